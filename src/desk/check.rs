//! Checks of what a draft has as it was given: its id, its labels and the name of its app.

use crate::push::{AppId, Labels, PushId, Reason, Refusal};

const MAX_LABELS: usize = 8;

/// Bounds the key of a label, and its value.
const MAX_LABEL_BYTES: usize = 64;

/// The id of a push; one is made where there is none.
///
/// # Errors
/// Fails if it cannot be an id, with what its result says instead, and why.
pub(super) fn id(id: String) -> Result<PushId, (String, Refusal)> {
    if id.is_empty() {
        return Ok(PushId::random());
    }
    PushId::parse(id).map_err(|(id, error)| (echo(id), Refusal::value("id", &error)))
}

/// What the result of a push with this id says, which may be anything. It is bounded as an id is, and made where
/// there is none.
pub(super) fn echo(mut id: String) -> String {
    if id.is_empty() {
        return PushId::random().into_string();
    }
    id.truncate(id.floor_char_boundary(PushId::MAX_BYTES));
    id
}

/// The labels of a push or a multicast.
pub(super) fn labels(labels: Labels) -> Result<Labels, Refusal> {
    let refused = |reason, detail| Err(Refusal::field("labels", reason, detail));
    if labels.len() > MAX_LABELS {
        let detail = format!("expected at most {MAX_LABELS} labels, found {}", labels.len());
        return refused(Reason::FieldTooLarge, detail);
    }
    for (key, value) in &labels {
        if key.is_empty() {
            let detail = format!("expected a key of 1 to {MAX_LABEL_BYTES} bytes, found nothing");
            return refused(Reason::FieldRequired, detail);
        }
        let found = key.len().max(value.len());
        if found > MAX_LABEL_BYTES {
            let detail = format!("expected at most {MAX_LABEL_BYTES} bytes, found {found}");
            return refused(Reason::FieldTooLarge, detail);
        }
    }
    Ok(labels)
}

/// The app that sends a push or a multicast.
pub(super) fn app(app: &str) -> Result<AppId, Refusal> {
    AppId::parse(app).map_err(|error| Refusal::value("app", &error))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_given_is_taken_or_refused_with_its_field_and_a_sentence(
            text in "\\PC{0,200}", keys in proptest::collection::vec("\\PC{0,70}", 0..10),
        ) {
            let given = keys.into_iter().map(|key| (key, text.clone())).collect();
            let refusals =
                [id(text.clone()).err().map(|(_, refusal)| refusal), labels(given).err(), app(&text).err()];
            for refusal in refusals.into_iter().flatten() {
                prop_assert!(["id", "labels", "app"].contains(&&*refusal.field), "{refusal:?}");
                prop_assert!(refusal.detail.contains("expected"), "{refusal:?}");
            }
        }

        #[test]
        fn the_result_of_a_refused_id_says_its_beginning(given in "\\PC{1,200}") {
            if let Err((said, _)) = id(given.clone()) {
                prop_assert!(!said.is_empty() && said.len() <= PushId::MAX_BYTES && given.starts_with(&said));
            }
        }
    }
}
