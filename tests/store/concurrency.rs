//! Many at once.

use std::thread;

use waymark::domain::ids::Seq;
use waymark::store::journal::record;
use waymark::store::plans::find_any;
use waymark::store::verify::verify;

use crate::database::{Database, a_reading, lock, noon, plan_code, subject};
use crate::on_both;

on_both! {
    writers_of_one_plan_take_turns
    a_reader_sees_one_moment
}

const WRITERS: usize = 8;
const WRITES: usize = 12;

/// Half of the writers belong to another instance, which has no queue in common with the first.
fn writers_of_one_plan_take_turns(database: &Database) {
    let plan = database.plan("harrow", vec![]);
    let other = database.another_instance();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let store = if writer % 2 == 0 { &database.store } else { &other };
            scope.spawn(move || {
                for write in 0..WRITES {
                    let quarter = format!("FY{}-{:02}-Q1", 2000 + write, 1 + write);
                    let change = a_reading(&format!("NI-{writer}"), &quarter, "all", 1, "4.5");
                    let written = store.write_blocking(|write| {
                        let mut plan = lock(write, "harrow");
                        record(write, &mut plan, &subject("ada"), noon(), vec![change])
                    });
                    assert_eq!(written.unwrap().len(), 1);
                }
            });
        }
    });
    let after = database.read(|conn| find_any(conn, &plan_code("harrow"))).unwrap();
    assert_eq!(after.seq, Seq(i64::try_from(WRITERS * WRITES).unwrap()));
    assert_eq!(database.read(|conn| verify(conn, plan.id, |_, _| ())), []);
}

fn a_reader_sees_one_moment(database: &Database) {
    database.plan("harrow", vec![]);
    let (before, after) = database.read(|conn| {
        let before = find_any(conn, &plan_code("harrow"))?.unwrap();
        database.change("harrow", noon(), a_reading("NI-117", "FY2009-10-Q1", "all", 1, "4.5"));
        Ok((before, find_any(conn, &plan_code("harrow"))?.unwrap()))
    });
    assert_eq!(before, after);
    assert_eq!(database.read(|conn| find_any(conn, &plan_code("harrow"))).unwrap().seq, Seq(1));
}
