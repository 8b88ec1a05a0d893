//! What a person mistypes, and what is said of it: the place, what is wrong and what to write. That nothing is said in words
//! of a programmer is held for all that a command prints: see [`Desk::run`].

use crate::{Desk, on_both};

on_both! {
    an_argument_that_cannot_be_read_is_answered_with_advice
    a_file_that_cannot_be_read_is_named
    a_folder_with_words_that_are_none_of_the_values_lists_them
}

fn fails(desk: &Desk, words: &[&str], told: &str) {
    let said = desk.run(words);
    assert!(!said.well && said.err.contains(told), "{words:?}: {told}: {said:?}");
}

fn an_argument_that_cannot_be_read_is_answered_with_advice(desk: &Desk) {
    let long = "x".repeat(500);
    for (words, told) in [
        (&["serve", "--workers", "many"][..], "invalid value 'many' for '--workers <N>': write a whole number"),
        (&["serve", "--workers", "0"], "write a number from 1 to 512"),
        (&["serve", "--connections", "99999999999999999999"], "write a"),
        (&["serve", "--rate-limit=-1"], "write a"),
        (&["serve", "--bind", "here"], "write an address and a port, such as 127.0.0.1:8080"),
        (&["serve", "--trusted-proxies", "here"], "write an address or a network"),
        (&["serve", "--remind-at", "nine"], "write a time such as 09:00"),
        (
            &["serve", "--remind-at", "09:00"],
            "--remind-at: state where reminders go: --smtp-url (WAYMARK_SMTP_URL), or",
        ),
        (&["serve", "--migrate", "perhaps"], "[possible values: true, false]"),
        (&["report", "--plan", "x y", "--as", "ann"], "is not a code"),
        (&["report", "--plan", "small", "--as", "ann", "--as-of", "yesterday"], "2027-01-31T12:00:00Z"),
        (&["report", "--plan", "small", "--as", "ann", "--format", "pdf"], "possible values: text, json, csv"),
    ] {
        fails(desk, words, told);
    }
    let said = desk.run(&["serve", "--workers", &long]);
    assert!(!said.err.contains(&"x".repeat(100)) && said.err.contains("xxx…"), "{said:?}");
}

fn a_file_that_cannot_be_read_is_named(desk: &Desk) {
    let nowhere = desk.path("nowhere");
    let nowhere = nowhere.to_str().unwrap();
    let folder = desk.path(".");
    let folder = folder.to_str().unwrap();
    desk.write("not-text.toml", "");
    std::fs::write(desk.path("not-text.toml"), b"bind = \"\xff\xfe\"").unwrap();
    desk.write("wrong.toml", "migrate = true\nbind = = 1\n");
    let (binary, wrong) = (desk.path("not-text.toml"), desk.path("wrong.toml"));
    let (binary, wrong) = (binary.to_str().unwrap(), wrong.to_str().unwrap());
    for (words, told) in [
        (&["serve", "--config", nowhere][..], "nowhere: there is no such file or folder"),
        (&["serve", "--config", folder], "it is a folder, not a file"),
        (&["serve", "--config", binary], "it is not text in UTF-8"),
        (&["serve", "--config", wrong], "line 2: "),
        (&["serve", "--key-file", nowhere], "nowhere: there is no such file or folder; check the path"),
        (&["import", nowhere, "--plan", "small", "--as", "ann"], "nowhere: there is no such file or folder"),
    ] {
        fails(desk, words, told);
    }
}

fn a_folder_with_words_that_are_none_of_the_values_lists_them(desk: &Desk) {
    let smallest = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/smallest");
    crate::copy(&smallest, &desk.path("plan"));
    let kpis = std::fs::read_to_string(smallest.join("kpis.csv")).unwrap();
    desk.write("plan/kpis.csv", &kpis.replace("percentage,1,", "percent,one,").replace("quarter", "qarter"));
    desk.write("plan/plan.csv", "code,title,starts_on,ends_on\nsmallest,A plan,soon,2026-03-31\n");
    let said = desk.run(&["import", desk.path("plan").to_str().unwrap(), "--as", "ann"]);
    for told in [
        "kpis.csv, row 2, unit (E2)",
        "`percent` is not one of the values; write one of `percentage`, `count`",
        "did you mean `quarter`?",
        "write a whole number",
        "write a day such as 2027-01-31",
    ] {
        assert!(!said.well && said.out.contains(told), "{told}: {}", said.out);
    }
    assert!(said.out.contains("things are wrong, and nothing was saved"), "{}", said.out);
    desk.write("plan/kpis.csv", &kpis.replace("percentage,1,", "percent,1,"));
    desk.write("plan/plan.csv", &std::fs::read_to_string(smallest.join("plan.csv")).unwrap());
    let said = desk.run(&["import", desk.path("plan").to_str().unwrap(), "--as", "ann"]);
    assert!(said.out.contains("1 thing is wrong, and nothing was saved"), "{}", said.out);
}
