//! Dimensions and their groups (domain.md section 9): ways to slice the population that readings are about.

use serde::{Deserialize, Serialize};

use super::document::document;
use super::ids::{DimensionCode, GroupCode};
use super::invalid::Invalid;
use super::plan::{check_distinct, check_text};

/// One slice of a dimension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(description = "A slice of the population.")]
pub struct Group {
    /// The group's code, which no other group of the plan has; never `all`.
    #[schema(example = "fsm")]
    pub code: GroupCode,
    /// What it is called; 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "Eligible for free school meals")]
    pub title: String,
}

document! {
    /// A way to slice the population.
    #[schema(description = "A way to slice the population into groups.")]
    pub struct Dimension / NewDimension / DimensionChange {
        /// The dimension's code.
        #[schema(example = "free-school-meals")]
        code: DimensionCode,
        /// What it is called; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "Free school meals")]
        title: String,
        /// Whether its groups cover the whole population: then their counts must sum to those of `all`.
        complete: bool = false,
        /// Its groups, 1 to 100, in the order they are shown in.
        #[schema(min_items = 1, max_items = 100)]
        groups: Vec<Group>,
    }
}

impl Dimension {
    /// What is wrong with the dimension in itself.
    pub fn check(&self) -> Invalid {
        let mut invalid = Invalid::new();
        check_text(&mut invalid, "/title", &self.title, 1, 200);
        if self.groups.is_empty() || self.groups.len() > 100 {
            invalid.at("/groups", "wrong_length", "a dimension has 1 to 100 groups");
        }
        let codes: Vec<_> = self.groups.iter().map(|group| group.code.clone()).collect();
        check_distinct(&mut invalid, "/groups", &codes);
        for (place, group) in self.groups.iter().enumerate() {
            check_text(&mut invalid, &format!("/groups/{place}/title"), &group.title, 1, 200);
            if group.code.is_all() {
                let detail = "`all` is the whole population and belongs to no dimension";
                invalid.at(format!("/groups/{place}/code"), "reserved", detail);
            }
        }
        invalid
    }
}
