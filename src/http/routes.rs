//! THE route table: each path once, feeding routing and the document alike.

use utoipa_actix_web::service_config::ServiceConfig;

use super::definitions::{
    comparator_groups, dimensions, organisations, outcome_areas, policies, priorities, sub_groups,
};
use super::resource::{Documented, resource};
use super::{
    actions, benchmarks, board_reports, changes, docs, grants, health, kpis, openapi, plans, problem_pages, readings,
    reports, rounds, tables, targets, trials, webhooks,
};

/// Mounts everything the service answers.
pub(super) fn mount(config: &mut ServiceConfig<'_>) {
    config
        .service(resource!(plans::{list_plans, create_plan}))
        .service(resource!(plans::{find_plan, update_plan, delete_plan}))
        .service(resource!(plans::{create_successor}))
        .service(resource!(organisations::{list, create}))
        .service(resource!(organisations::{find, update, remove}))
        .service(resource!(sub_groups::{list, create}))
        .service(resource!(sub_groups::{find, update, remove}))
        .service(resource!(outcome_areas::{list, create}))
        .service(resource!(outcome_areas::{find, update, remove}))
        .service(resource!(priorities::{list, create}))
        .service(resource!(priorities::{find, update, remove}))
        .service(resource!(dimensions::{list, create}))
        .service(resource!(dimensions::{find, update, remove}))
        .service(resource!(policies::{list, create}))
        .service(resource!(policies::{find, update, remove}))
        .service(resource!(trials::{try_policy}))
        .service(resource!(comparator_groups::{list, create}))
        .service(resource!(comparator_groups::{find, update, remove}))
        .service(resource!(benchmarks::{list_benchmarks}))
        .service(resource!(benchmarks::{find_benchmark, put_benchmark, remove_benchmark}))
        .service(resource!(kpis::{list_kpis, create_kpi}))
        .service(resource!(kpis::{find_kpi, update_kpi, archive_kpi}))
        .service(resource!(kpis::{list_kpi_versions}))
        .service(resource!(targets::{list_kpi_targets}))
        .service(resource!(targets::{find_target, put_target, remove_target}))
        .service(resource!(targets::{list_target_revisions}))
        .service(resource!(readings::{list_kpi_readings}))
        .service(resource!(readings::{find_reading, put_reading}))
        .service(resource!(readings::{list_reading_revisions}))
        .service(resource!(reports::{get_kpi_status}))
        .service(resource!(reports::{get_kpi_series}))
        .service(resource!(readings::{list_readings, import_readings}))
        .service(resource!(targets::{list_targets, import_targets}))
        .service(resource!(reports::{get_status_report}))
        .service(resource!(rounds::{list_rounds, create_round}))
        .service(resource!(rounds::{find_round, update_round, remove_round}))
        .service(resource!(rounds::{get_round_returns}))
        .service(resource!(rounds::{find_return, put_return}))
        .service(resource!(rounds::{submit_return}))
        .service(resource!(rounds::{sign_off_return}))
        .service(resource!(rounds::{send_back_return}))
        .service(resource!(rounds::{reopen_return}))
        .service(resource!(rounds::{get_outstanding}))
        .service(resource!(rounds::{get_my_returns}))
        .service(resource!(reports::{get_exceptions}))
        .service(resource!(board_reports::{list_board_reports, freeze_board_report}))
        .service(resource!(board_reports::{get_board_report}))
        .service(resource!(board_reports::{get_board_report_changes}))
        .service(resource!(actions::{list_actions, create_action}))
        .service(resource!(actions::{find_action, update_action}))
        .service(resource!(actions::{add_action_note}))
        .service(resource!(changes::{list_changes}))
        .service(resource!(changes::{list_journal}))
        .service(resource!(webhooks::{list_webhooks, create_webhook}))
        .service(resource!(webhooks::{find_webhook, update_webhook, remove_webhook}))
        .service(resource!(webhooks::{list_webhook_deliveries}))
        .service(resource!(webhooks::{test_webhook}))
        .service(resource!(webhooks::{rotate_webhook}))
        .service(resource!(grants::{list_grants, create_grant}))
        .service(resource!(grants::{find_grant, revoke_grant}))
        .service(resource!(grants::{get_me}))
        .service(resource!(tables::{get_table_schema}))
        .service(resource!(openapi::{openapi_3_1}))
        .service(resource!(openapi::{openapi_3_0}))
        .service(Documented::new("/docs").page(|route| route.to(docs::index)))
        .service(Documented::new("/docs/").page(|route| route.to(docs::index)))
        .service(Documented::new("/docs/{file}").page(|route| route.to(docs::file)))
        .service(resource!(problem_pages::{list_problems}))
        .service(resource!(problem_pages::{find_problem}))
        .service(resource!(health::{livez}))
        .service(resource!(health::{readyz}))
        .service(resource!(health::{version}));
}
