//! Rounds and returns, and the figures and targets that are reported: one by one, as a file, or in a template.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

pub mod columns;
pub mod imports;
pub mod readings;
pub mod rounds;
pub mod targets;
pub mod templates;

/// Makes the schema of one of several things in a body: where it belongs, and the members of the request that posts one alone.
macro_rules! placed {
    ($(#[$doc:meta])* pub struct $item:ident = $place:ty, $draft:ty, $description:literal) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $item;

        impl utoipa::PartialSchema for $item {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $crate::http::collecting::placed_schema(
                    <$place as utoipa::PartialSchema>::schema(),
                    <$draft as utoipa::PartialSchema>::schema(),
                    $description,
                )
            }
        }

        impl utoipa::ToSchema for $item {
            fn schemas(
                schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>,
            ) {
                <$place as utoipa::ToSchema>::schemas(schemas);
                <$draft as utoipa::ToSchema>::schemas(schemas);
            }
        }
    };
}
use placed;

fn placed_schema(place: RefOr<Schema>, draft: RefOr<Schema>, description: &str) -> RefOr<Schema> {
    match (place, draft) {
        (RefOr::T(Schema::Object(mut item)), RefOr::T(Schema::Object(draft))) => {
            item.properties.extend(draft.properties);
            item.additional_properties = draft.additional_properties;
            item.description = Some(description.to_owned());
            RefOr::T(Schema::Object(item))
        }
        (_, draft) => draft,
    }
}
