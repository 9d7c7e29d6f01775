//! The description of this ingress in OpenAPI 3.1. It is made of the contract by a test, which compares it with the file that
//! is served; `UPDATE_OPENAPI=1 cargo test --lib openapi` writes that file anew.

#[cfg(test)]
mod comments;
#[cfg(test)]
mod document;
#[cfg(test)]
mod schemas;

/// The description, as it is served.
pub(super) const DOCUMENT: &str = include_str!("../../../../docs/openapi.json");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_that_is_served_is_that_of_the_contract() {
        let made = document::document();
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
            return std::fs::write(file, format!("{made:#}\n")).unwrap();
        }
        let is_there: serde_json::Value = serde_json::from_str(DOCUMENT).unwrap();
        assert!(made == is_there, "the contract says something else: run this again with UPDATE_OPENAPI=1");
    }
}
