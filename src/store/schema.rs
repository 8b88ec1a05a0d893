//! The tables as Diesel sees them: the same on both databases, kept beside the migrations by hand.

diesel::table! {
    plans (id) {
        id -> BigInt,
        code -> Text,
        public -> Bool,
        seq -> BigInt,
        head_digest -> Text,
        changed_at -> Timestamp,
    }
}

diesel::table! {
    definitions (plan_id, kind, code, revision) {
        plan_id -> BigInt,
        kind -> Text,
        code -> Text,
        revision -> Integer,
        seq -> BigInt,
        body -> Nullable<Text>,
    }
}

diesel::table! {
    targets (plan_id, kpi, period, revision) {
        plan_id -> BigInt,
        kpi -> Text,
        period -> Text,
        revision -> Integer,
        seq -> BigInt,
        value -> Nullable<Text>,
        low -> Nullable<Text>,
        high -> Nullable<Text>,
        floor -> Nullable<Text>,
        kind -> Text,
        state -> Text,
        rationale -> Nullable<Text>,
        agreed_by -> Nullable<Text>,
        agreed_on -> Nullable<Date>,
        reason -> Nullable<Text>,
        removed -> Bool,
        acknowledged -> Text,
        recorded_at -> Timestamp,
        recorded_by -> Text,
    }
}

diesel::table! {
    readings (plan_id, kpi, period, group_code, revision) {
        plan_id -> BigInt,
        kpi -> Text,
        period -> Text,
        group_code -> Text,
        revision -> Integer,
        seq -> BigInt,
        value -> Nullable<Text>,
        numerator -> Nullable<Text>,
        denominator -> Nullable<Text>,
        provisional -> Bool,
        nil_return -> Nullable<Text>,
        determined_status -> Nullable<Text>,
        commentary -> Nullable<Text>,
        reason -> Nullable<Text>,
        definition_version -> Integer,
        forecast -> Nullable<Text>,
        restated -> Bool,
        acknowledged -> Text,
        recorded_at -> Timestamp,
        recorded_by -> Text,
    }
}

diesel::table! {
    journal (plan_id, seq) {
        plan_id -> BigInt,
        seq -> BigInt,
        at -> Timestamp,
        actor -> Text,
        action -> Text,
        kind -> Text,
        key -> Text,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
        reason -> Nullable<Text>,
        digest -> Text,
    }
}

diesel::table! {
    board_reports (plan_id, id) {
        plan_id -> BigInt,
        id -> Text,
        content -> Text,
    }
}

diesel::table! {
    grants (id) {
        id -> Text,
        plan_id -> Nullable<BigInt>,
        subject -> Text,
        role -> Text,
        outcome_areas -> Text,
        organisation -> Nullable<Text>,
        kpis -> Text,
        granted_at -> Timestamp,
        granted_by -> Text,
        revoked_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    credentials (id) {
        id -> Text,
        kind -> Text,
        subject -> Text,
        title -> Text,
        plan_id -> Nullable<BigInt>,
        role -> Nullable<Text>,
        methods -> Text,
        address -> Nullable<Text>,
        digest -> Nullable<Text>,
        created_at -> Timestamp,
        created_by -> Text,
        expires_at -> Nullable<Timestamp>,
        last_used_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    people (issuer, claim) {
        issuer -> Text,
        claim -> Text,
        subject -> Text,
        name -> Nullable<Text>,
        email -> Nullable<Text>,
        bound_at -> Timestamp,
        last_signed_in_at -> Timestamp,
    }
}

diesel::table! {
    client_secrets (id) {
        id -> Text,
        client -> Text,
        hash -> Text,
        created_at -> Timestamp,
        last_used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    answers (subject, key) {
        subject -> Text,
        key -> Text,
        fingerprint -> Text,
        asked_at -> Timestamp,
        status -> Nullable<Integer>,
        headers -> Nullable<Text>,
        body -> Nullable<Text>,
    }
}

diesel::table! {
    webhooks (id) {
        id -> Text,
        plan_id -> BigInt,
        subject -> Text,
        terms -> Text,
        active -> Bool,
        disabled_reason -> Nullable<Text>,
        disabled_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        removed_at -> Nullable<Timestamp>,
        secret -> Text,
        former_secret -> Nullable<Text>,
        former_until -> Nullable<Timestamp>,
        changed_seq -> BigInt,
        position -> BigInt,
        within -> Integer,
        watermark -> Timestamp,
        watermark_key -> Text,
        failed -> Integer,
        next_attempt_at -> Timestamp,
        lease_holder -> Nullable<Text>,
        lease_until -> Nullable<Timestamp>,
        ping -> Nullable<Text>,
        logged -> BigInt,
    }
}

diesel::table! {
    deliveries (webhook_id, number) {
        webhook_id -> Text,
        number -> BigInt,
        message -> Text,
        event -> Text,
        attempt -> Integer,
        at -> Timestamp,
        outcome -> Text,
        status -> Nullable<Integer>,
        detail -> Nullable<Text>,
    }
}

diesel::table! {
    reminders (subject, day) {
        subject -> Text,
        day -> Text,
        at -> Timestamp,
        lease_until -> Nullable<Timestamp>,
    }
}

diesel::table! {
    removals (plan_id) {
        plan_id -> BigInt,
        code -> Text,
        seq -> BigInt,
        at -> Timestamp,
        actor -> Text,
        before -> Text,
        previous -> Text,
        digest -> Text,
    }
}

diesel::table! {
    service_journal (seq) {
        seq -> BigInt,
        at -> Timestamp,
        actor -> Text,
        action -> Text,
        kind -> Text,
        key -> Text,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
        reason -> Nullable<Text>,
        digest -> Text,
    }
}

diesel::table! {
    service_head (id) {
        id -> BigInt,
        seq -> BigInt,
        digest -> Text,
        at -> Timestamp,
    }
}

diesel::allow_tables_to_appear_in_same_query!(plans, grants);
diesel::allow_tables_to_appear_in_same_query!(plans, credentials);
