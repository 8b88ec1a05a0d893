//! What every request passes: the envelope of every answer, who calls, how often, and whether it was carried out already.

pub mod authenticate;
pub mod envelope;
pub mod idempotency;
pub mod rate_limit;
