//! Generates the client from the service's OpenAPI 3.0 document.
//!
//! progenitor 0.15 knows no media types beside JSON, so these are said to it in another way: a problem document is JSON too, a
//! merge patch is JSON that is labelled when it is sent (see `label` in `main.rs`), and the imports, of files among
//! others, which it cannot send, are left out. And it makes an `Option` of what is nullable, but an enum of a choice between something and null.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use progenitor_impl::{GenerationSettings, Generator, InterfaceStyle};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let document = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../../openapi/openapi-3.0.json");
    println!("cargo:rerun-if-changed={}", document.display());
    let mut document: Value = serde_json::from_slice(&fs::read(document)?)?;
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for item in paths.filter_map(|(_, item)| item.as_object_mut()) {
        item.retain(|_, operation| {
            let body = operation["requestBody"]["content"].as_object();
            body.is_none_or(|content| content.keys().all(|media| media.ends_with("json")))
        });
    }
    as_progenitor_reads(&mut document);
    let mut settings = GenerationSettings::new();
    settings.with_interface(InterfaceStyle::Builder).with_derive("PartialEq").with_pre_hook("crate::label".parse()?);
    let client = Generator::new(&settings).generate_tokens(&serde_json::from_value(document)?)?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("client.rs"), client.to_string())?;
    Ok(())
}

/// Calls every kind of JSON plain JSON, and a choice between something and null nullable.
fn as_progenitor_reads(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(as_progenitor_reads),
        Value::Object(members) => {
            for kind in ["application/problem+json", "application/merge-patch+json"] {
                if let Some(content) = members.remove(kind) {
                    members.insert("application/json".to_owned(), content);
                }
            }
            let is_null = |choice: &Value| choice["enum"] == json!([null]);
            if members
                .get("oneOf")
                .and_then(Value::as_array)
                .is_some_and(|all| all.len() == 2 && all.iter().any(is_null))
                && let Some(Value::Array(mut choices)) = members.remove("oneOf")
            {
                choices.retain(|choice| !is_null(choice));
                members.insert("allOf".to_owned(), choices.into());
                members.insert("nullable".to_owned(), true.into());
            }
            members.values_mut().for_each(as_progenitor_reads);
        }
        _ => {}
    }
}
