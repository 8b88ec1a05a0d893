//! The cycle: collection rounds, what each sub-group owes in them, and a return's way from open to signed off.

mod forms;
pub mod outstanding;
pub mod owed;
pub mod reminders;
pub mod returns;
#[expect(clippy::module_inception, reason = "the rounds of the room of rounds, as `returns` are its returns")]
pub mod rounds;
pub mod templates;
