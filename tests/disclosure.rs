//! What is withheld, tried by an attacker on plans drawn at random: a few of each kind here, thousands of them in
//! `benches/attacker.rs`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says that it failed by panicking")]

#[path = "support/attacker.rs"]
mod attacker;
#[path = "support/drawn.rs"]
#[expect(dead_code, reason = "the long run tells more of what came of a plan")]
mod drawn;
#[path = "support/worlds.rs"]
mod worlds;

use drawn::{Drawn, Kind};

/// How many plans of each kind are tried.
const PLANS: u64 = 40;

fn tried(kind: Kind) {
    // Corrections multiply the moments that can be asked about.
    let plans = if kind == Kind::Restated { PLANS / 4 } else { PLANS };
    for number in 0..plans {
        let plan = Drawn::of(number, kind);
        let outcome = plan.tried();
        assert_eq!(outcome.found, [""; 0], "plan {number}\n{plan}");
        assert_eq!(outcome.small_shown, 0, "plan {number}\n{plan}");
        assert!(outcome.same_in_any_order, "plan {number}\n{plan}");
        // What replaces a figure can bring it about that another goes that was shown: that is said, and not promised away.
        assert!(kind == Kind::Restated || outcome.kept.is_empty(), "plan {number}: {:?}\n{plan}", outcome.kept);
    }
}

#[test]
fn nothing_small_is_found_where_everything_is_posted() {
    tried(Kind::Plain);
}

#[test]
fn nothing_small_is_found_of_members_that_nobody_posted() {
    tried(Kind::Unposted);
}

#[test]
fn nothing_small_is_found_of_rates_without_their_numbers() {
    tried(Kind::Bare);
}

#[test]
fn nothing_small_is_found_where_figures_are_restated() {
    tried(Kind::Restated);
}

#[test]
fn nothing_small_is_found_across_a_plan_and_its_successor() {
    tried(Kind::Succeeded);
}

#[test]
fn nothing_small_is_found_behind_a_baseline() {
    tried(Kind::Baseline);
}

#[test]
fn of_all_tables_that_would_be_shown_alike_more_than_one_is_left() {
    let told = worlds::told_by_the_rule(3, 16);
    assert!(told.withheld > 1000, "{} small figures are withheld", told.withheld);
    assert_eq!(told.exact, [""; 0]);
}
