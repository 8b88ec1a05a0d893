//! How much an attacker finds out of thousands of plans drawn at random: nothing, or it says what and ends with an error.
//!
//! `cargo bench --bench attacker -- 6000` tries so many plans, as many of each kind, and then every small table there is.
//! `cargo bench --profile dev --bench attacker -- 6000` does the same without a release build. The figures are those of
//! `docs/small-numbers.md`. With `--kept` it also says what is found by who kept what was shown when a period was new.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that cannot go on says so by panicking")]

use std::process::ExitCode;

#[path = "../tests/support/attacker.rs"]
mod attacker;
#[path = "../tests/support/drawn.rs"]
mod drawn;
#[path = "../tests/support/worlds.rs"]
mod worlds;

use drawn::{Drawn, Kind};

/// How many plans are tried where nobody says how many.
const PLANS: u64 = 600;

/// The tables that are tried for what the rule tells: of how many groups, summing up to how much.
const TABLES: [(usize, i64); 2] = [(3, 16), (4, 24)];

/// What came of the plans of one kind.
#[derive(Default)]
struct Sum {
    plans: u64,
    posted: usize,
    withheld: usize,
    small: usize,
    bare: usize,
    secondary: usize,
    found: usize,
    taken_back: usize,
    kept: usize,
    by_order: usize,
    small_shown: usize,
}

fn main() -> ExitCode {
    let plans = std::env::args().find_map(|text| text.parse().ok()).unwrap_or(PLANS);
    let kept_shown = std::env::args().any(|text| text == "--kept");
    let kinds = u64::try_from(Kind::ALL.len()).unwrap();
    let mut faults = 0;
    println!("kind       plans figures withheld   small    bare secondary  found | shown before  found then");
    let mut all = Sum::default();
    // Side by side on as many cores as there are.
    let each = std::thread::scope(|scope| {
        let tried = Kind::ALL.map(|kind| {
            scope.spawn(move || {
                let sum = tried(kind, plans.div_ceil(kinds), kept_shown);
                print(&format!("{kind:?}"), &sum);
                sum
            })
        });
        tried.map(|kind| kind.join().unwrap())
    });
    for sum in each {
        faults += sum.found + sum.small_shown + sum.by_order;
        all.add(&sum);
    }
    print("All", &all);
    println!(
        "small figures shown: {}; plans in which the order of telling changed anything: {}",
        all.small_shown, all.by_order
    );
    for (groups, most) in TABLES {
        let told = worlds::told_by_the_rule(groups, most);
        println!(
            "tables of {groups} groups with a sum up to {most}: {} small figures withheld, {} told by the rule",
            told.withheld,
            told.exact.len()
        );
        for one in told.exact.iter().take(5) {
            println!("  {one}");
        }
        faults += told.exact.len();
    }
    if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Tries so many plans of a kind, and says of each in which something is found what that is.
fn tried(kind: Kind, plans: u64, kept_shown: bool) -> Sum {
    let mut sum = Sum::default();
    for number in 0..plans {
        let plan = Drawn::of(number, kind);
        let outcome = plan.tried();
        if !outcome.found.is_empty() || outcome.small_shown > 0 || !outcome.same_in_any_order {
            println!("plan {number}: {:?}\n{plan}", outcome.found);
        }
        if kept_shown && !outcome.kept.is_empty() {
            println!("plan {number}, of what was kept: {:?}\n{plan}", outcome.kept);
        }
        sum.plans += 1;
        sum.posted += outcome.posted;
        sum.withheld += outcome.withheld;
        sum.small += outcome.small;
        sum.bare += outcome.bare;
        sum.secondary += outcome.secondary();
        sum.found += outcome.found.len();
        sum.taken_back += outcome.taken_back;
        sum.kept += outcome.kept.len();
        sum.by_order += usize::from(!outcome.same_in_any_order);
        sum.small_shown += outcome.small_shown;
    }
    sum
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.plans += other.plans;
        self.posted += other.posted;
        self.withheld += other.withheld;
        self.small += other.small;
        self.bare += other.bare;
        self.secondary += other.secondary;
        self.found += other.found;
        self.taken_back += other.taken_back;
        self.kept += other.kept;
        self.by_order += other.by_order;
        self.small_shown += other.small_shown;
    }
}

fn print(kind: &str, sum: &Sum) {
    let Sum { plans, posted, withheld, small, bare, secondary, found, taken_back, kept, .. } = sum;
    println!(
        "{kind:<10} {plans:>5} {posted:>7} {withheld:>8} {small:>7} {bare:>7} {secondary:>9} {found:>6} | {taken_back:>12} {kept:>11}"
    );
}
