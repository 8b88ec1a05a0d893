//! A form with a file in it.

use std::fs::File;

use actix_multipart::{Field, Multipart};
use actix_web::web::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::{StreamExt, TryStreamExt};

use crate::http::collecting::imports::{MOST_BYTES, to_disk};
use crate::http::problem::{Code, Problem};
use crate::http::request::extract;
use crate::http::site::form::Form;
use crate::http::site::visitor::Visitor;

/// The most bytes of all fields that are no file.
const MOST_TYPED: usize = 8 << 20;
/// The most fields.
const MOST_FIELDS: usize = 20;

/// What a form with a file sends.
pub(in crate::http) struct Upload {
    /// Its other fields.
    pub(super) form: Form,
    /// The file, if one was chosen.
    pub(super) file: Option<File>,
}

fn broken(error: &dyn std::fmt::Display) -> Problem {
    tracing::debug!(%error, "a form broke off");
    Problem::new(Code::MalformedRequest, "The form could not be read to its end; send it again.")
}

impl Upload {
    /// Reads a form. What shows that it came from a page of this person's is its first field, so that no file is read before.
    pub(super) async fn read(request: &HttpRequest, payload: Payload) -> Result<Self, Problem> {
        let visitor = request.extensions().get::<Visitor>().cloned();
        extract::admit(request, &["multipart/form-data"], usize::MAX)?;
        let parts = Multipart::from_request(request, &mut payload.into_inner()).await;
        let mut parts = parts.map_err(|error| broken(&error))?;
        let (mut fields, mut file, mut typed) = (Vec::new(), None, 0);
        while let Some(mut part) = parts.try_next().await.map_err(|error| broken(&error))? {
            let name = part.name().unwrap_or_default().to_owned();
            let is_file = part.content_disposition().is_some_and(|disposition| disposition.get_filename().is_some());
            if is_file {
                Form::checked(&fields, visitor.as_ref())?;
                let sent = to_disk(part.map(|chunk| chunk.map_err(|error| error.to_string())), MOST_BYTES).await?;
                let is_empty = sent.metadata().is_ok_and(|metadata| metadata.len() == 0);
                // A file that was not chosen is sent as one without a name and without a byte.
                file = file.or((!is_empty).then_some(sent));
                continue;
            }
            let text = text(&mut part, MOST_TYPED - typed).await?;
            typed += text.len();
            fields.push((name, text));
            if fields.len() > MOST_FIELDS {
                return Err(Problem::new(Code::BodyTooLarge, "The form has more fields than any of ours."));
            }
        }
        Ok(Self { form: Form::of(fields, visitor.as_ref())?, file })
    }
}

/// A field that is no file.
async fn text(part: &mut Field, most: usize) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.try_next().await.map_err(|error| broken(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > most {
            let detail = format!("At most {} MiB can be pasted; send it as a file.", MOST_TYPED >> 20);
            return Err(Problem::new(Code::BodyTooLarge, detail));
        }
    }
    String::from_utf8(bytes).map_err(|error| broken(&error))
}
