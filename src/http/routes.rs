//! THE route table: each path once, feeding routing and the document alike.

use crate::http::access::{clients, grants, links, oauth, tokens as access_tokens};
use crate::http::collecting::{readings, rounds, targets, templates};
use crate::http::feed::{changes, webhooks};
use crate::http::plan::definitions::{
    comparator_groups, dimensions, organisations, outcome_areas, policies, priorities, sub_groups,
};
use crate::http::plan::{kpis, plans, policy_trials};
use crate::http::reports::{actions, benchmarks, board_reports, pictures, status};
use crate::http::resource::{Documented, resource};
use crate::http::service::{docs, health, problem_pages};
use crate::http::site::set_up::{settings, targets as aims, things};
use crate::http::site::{board, files, organisation, plain, plans as plan_pages, returns, set_up, sign_in, tokens};
use crate::http::tables::packages;
use crate::http::{metrics, openapi};

/// Everything the service answers.
pub(in crate::http) fn routes() -> Vec<Documented> {
    [of_pages(), of_plans(), of_figures(), of_rounds(), of_reports(), of_feed(), of_access(), of_service()]
        .into_iter()
        .flatten()
        .collect()
}

/// What people see who look with a browser.
fn of_pages() -> Vec<Documented> {
    vec![
        Documented::new("/").page(|route| route.to(plan_pages::index)),
        Documented::new("/plans/{plan}").page(|route| route.to(plan_pages::scorecard)),
        Documented::new("/plans/{plan}/public").page(|route| route.to(plan_pages::public)),
        Documented::new("/plans/{plan}/public/status-report").page(|route| route.to(status::get_status_report)),
        Documented::new("/plans/{plan}/kpis/{kpi}").page(|route| route.to(plan_pages::kpi)),
        Documented::new("/plans/{plan}/board").page(|route| route.to(board::room)),
        Documented::new("/plans/{plan}/board-reports").form(|route| route.to(board::freeze)),
        Documented::new("/plans/{plan}/board-reports/{report}").page(|route| route.to(board::paper)),
        // The same as data, for those who look at pages: what is under `/v1` takes no cookie.
        Documented::new("/plans/{plan}/status-report").page(|route| route.to(status::get_status_report)),
        Documented::new("/plans/{plan}/exceptions").page(|route| route.to(status::get_exceptions)),
        Documented::new("/plans/{plan}/kpis/{kpi}/series").page(|route| route.to(status::get_kpi_series)),
        // What a link to the report as a page leads to, and nothing else.
        Documented::new("/v1/plans/{plan}/report").page(|route| route.to(board::by_link)),
        Documented::new("/plans/{plan}/board-reports/{report}/content")
            .page(|route| route.to(board_reports::get_board_report)),
        Documented::new("/plans/{plan}/returns").page(|route| route.to(returns::all)),
        Documented::new("/plans/{plan}/returns/{period}/{sub_group}")
            .page(|route| route.to(returns::one))
            .form(|route| route.to(returns::act)),
        Documented::new("/plans/{plan}/readings/template").page(|route| route.to(templates::get_readings_template)),
        Documented::new("/plans/{plan}/files/{table}")
            .page(|route| route.to(files::table))
            .form(|route| route.to(files::send)),
        Documented::new("/plans/{plan}/actions")
            .page(|route| route.to(things::actions))
            .form(|route| route.to(things::open_action)),
        Documented::new("/plans/{plan}/actions/{code}")
            .page(|route| route.to(things::action))
            .form(|route| route.to(things::change_action)),
        Documented::new("/plans/{plan}/set-up").page(|route| route.to(set_up::steps)),
        Documented::new("/plans/{plan}/set-up/plan")
            .page(|route| route.to(settings::plan))
            .form(|route| route.to(settings::change_plan)),
        Documented::new("/plans/{plan}/set-up/journal").page(|route| route.to(set_up::journal)),
        Documented::new("/plans/{plan}/set-up/targets").page(|route| route.to(aims::list)),
        Documented::new("/plans/{plan}/set-up/targets/{kpi}")
            .page(|route| route.to(aims::one))
            .form(|route| route.to(aims::change)),
        Documented::new("/plans/{plan}/set-up/{kind}")
            .page(|route| route.to(things::list))
            .form(|route| route.to(things::make)),
        Documented::new("/plans/{plan}/set-up/{kind}/{code}")
            .page(|route| route.to(things::one))
            .form(|route| route.to(things::change)),
        Documented::new("/new-plan")
            .page(|route| route.to(settings::new_plan))
            .form(|route| route.to(settings::make_plan)),
        Documented::new("/new-plan/folder").form(|route| route.to(settings::load_folder)),
        Documented::new("/account/tokens").page(|route| route.to(tokens::list)).form(|route| route.to(tokens::make)),
        Documented::new("/sign-in").page(|route| route.to(sign_in::page)).form(|route| route.to(sign_in::sign_in)),
        Documented::new("/sign-in/organisation").page(|route| route.to(organisation::leave)),
        Documented::new("/sign-in/organisation/callback").page(|route| route.to(organisation::arrive)),
        Documented::new("/sign-out").form(|route| route.to(sign_in::sign_out)),
        Documented::new("/account").page(|route| route.to(sign_in::account)),
        Documented::new("/help").page(|route| route.to(plain::help)),
        Documented::new("/accessibility").page(|route| route.to(plain::accessibility)),
        Documented::new("/privacy").page(|route| route.to(plain::privacy)),
        Documented::new("/assets/{file}").page(|route| route.to(plain::asset)),
    ]
}

/// Plans, and what defines them.
fn of_plans() -> Vec<Documented> {
    vec![
        resource!(plans::{list_plans, create_plan}),
        resource!(plans::{find_plan, update_plan, delete_plan}),
        resource!(plans::{create_successor}),
        resource!(organisations::{list, create}),
        resource!(organisations::{find, update, remove}),
        resource!(sub_groups::{list, create}),
        resource!(sub_groups::{find, update, remove}),
        resource!(outcome_areas::{list, create}),
        resource!(outcome_areas::{find, update, remove}),
        resource!(priorities::{list, create}),
        resource!(priorities::{find, update, remove}),
        resource!(dimensions::{list, create}),
        resource!(dimensions::{find, update, remove}),
        resource!(policies::{list, create}),
        resource!(policies::{find, update, remove}),
        resource!(policy_trials::{try_policy}),
        resource!(comparator_groups::{list, create}),
        resource!(comparator_groups::{find, update, remove}),
        resource!(benchmarks::{list_benchmarks}),
        resource!(benchmarks::{find_benchmark, put_benchmark, remove_benchmark}),
        resource!(kpis::{list_kpis, create_kpi}),
        resource!(kpis::{find_kpi, update_kpi, archive_kpi}),
        resource!(kpis::{list_kpi_versions}),
    ]
}

/// Targets and readings, and where a KPI stands by them.
fn of_figures() -> Vec<Documented> {
    vec![
        resource!(targets::{list_kpi_targets}),
        resource!(targets::{find_target, put_target, remove_target}),
        resource!(targets::{list_target_revisions}),
        resource!(readings::{list_kpi_readings}),
        resource!(readings::{find_reading, put_reading}),
        resource!(readings::{list_reading_revisions}),
        resource!(status::{get_kpi_status}),
        resource!(status::{get_kpi_series}),
        resource!(pictures::{get_kpi_badge}),
        resource!(pictures::{get_kpi_sparkline}),
        resource!(readings::{list_readings, import_readings}),
        resource!(templates::{get_readings_template}),
        resource!(targets::{list_targets, import_targets}),
        resource!(status::{get_status_report}),
    ]
}

/// Rounds and the returns in them.
fn of_rounds() -> Vec<Documented> {
    vec![
        resource!(rounds::{list_rounds, create_round}),
        resource!(rounds::{find_round, update_round, remove_round}),
        resource!(rounds::{get_round_returns}),
        resource!(rounds::{find_return, put_return}),
        resource!(rounds::{submit_return}),
        resource!(rounds::{sign_off_return}),
        resource!(rounds::{send_back_return}),
        resource!(rounds::{reopen_return}),
        resource!(rounds::{get_outstanding}),
        resource!(rounds::{get_my_returns}),
    ]
}

/// What is reported to a board, and what is done about it.
fn of_reports() -> Vec<Documented> {
    vec![
        resource!(status::{get_exceptions}),
        resource!(board_reports::{list_board_reports, freeze_board_report}),
        resource!(board_reports::{get_board_report}),
        resource!(board_reports::{get_board_report_changes}),
        resource!(actions::{list_actions, create_action}),
        resource!(actions::{find_action, update_action}),
        resource!(actions::{add_action_note}),
    ]
}

/// What changed, and who is notified of it.
fn of_feed() -> Vec<Documented> {
    vec![
        resource!(changes::{list_changes}),
        resource!(changes::{list_journal}),
        resource!(webhooks::{list_webhooks, create_webhook}),
        resource!(webhooks::{find_webhook, update_webhook, remove_webhook}),
        resource!(webhooks::{list_webhook_deliveries}),
        resource!(webhooks::{test_webhook}),
        resource!(webhooks::{rotate_webhook}),
    ]
}

/// Who may do what, and how tools get in.
fn of_access() -> Vec<Documented> {
    vec![
        resource!(grants::{list_grants, create_grant}),
        resource!(grants::{find_grant, revoke_grant}),
        resource!(grants::{get_me}),
        resource!(access_tokens::{list_tokens, create_token}),
        resource!(access_tokens::{find_token, revoke_token}),
        resource!(links::{list_links, create_link}),
        resource!(links::{find_link, revoke_link}),
        resource!(links::{open_link}),
        resource!(clients::{list_clients, create_client}),
        resource!(clients::{find_client, revoke_client}),
        resource!(clients::{add_client_secret}),
        resource!(clients::{remove_client_secret}),
        resource!(oauth::{get_access_token}),
        resource!(oauth::{jwks}),
        resource!(oauth::{protected_resource}),
        resource!(oauth::{authorization_server}),
        resource!(oauth::{security_txt}),
    ]
}

/// The service itself: what its tables and answers mean, and how it is.
fn of_service() -> Vec<Documented> {
    vec![
        resource!(packages::{get_table_schema}),
        resource!(packages::{get_data_package}),
        resource!(packages::{get_csvw_metadata}),
        resource!(openapi::{openapi_3_1}),
        resource!(openapi::{openapi_3_0}),
        Documented::new("/docs").page(|route| route.to(docs::index)),
        Documented::new("/docs/").page(|route| route.to(docs::index)),
        Documented::new("/docs/{file}").page(|route| route.to(docs::file)),
        resource!(problem_pages::{list_problems}),
        resource!(problem_pages::{find_problem}),
        resource!(health::{livez}),
        resource!(health::{readyz}),
        resource!(health::{version}),
        resource!(metrics::{metrics}),
    ]
}
