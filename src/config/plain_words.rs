//! What serde says of a value, in the words of people who write a configuration.

/// serde's words for kinds of values, with those of people who write a configuration.
const KINDS: [(&str, &str); 12] = [
    ("usize", "a whole number"),
    ("u64", "a whole number"),
    ("u32", "a whole number"),
    ("u16", "a whole number from 0 to 65535"),
    ("u8", "a whole number from 0 to 255"),
    ("f64", "a number"),
    ("a boolean", "true or false"),
    ("a string", "a text"),
    ("path string", "the path of a file"),
    ("a sequence", "a list"),
    ("a duration", "a time such as \"30s\""),
    ("socket address", "an address with a port, such as \"127.0.0.1:50051\""),
];

/// serde's sentence without the words of Rust.
pub(super) fn in_plain_words(sentence: String) -> String {
    let Some((found, expected)) = sentence.rsplit_once(", expected ") else { return sentence };
    if expected.starts_with("struct ") || expected == "a map" {
        return format!("{found}, expected a table");
    }
    match KINDS.iter().find(|(kind, _)| *kind == expected) {
        Some((_, plain)) => format!("{found}, expected {plain}"),
        None => sentence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_values_have_the_words_of_people() {
        let plain = |sentence: &str| in_plain_words(sentence.to_owned());
        for (kind, expected) in KINDS.into_iter().chain([("struct Grpc", "a table"), ("a map", "a table")]) {
            let sentence = format!("invalid type: string \"a, expected b\", expected {kind}");
            assert_eq!(
                plain(&sentence),
                format!("invalid type: string \"a, expected b\", expected {expected}")
            );
        }
        let other = "unknown variant `prod`, expected `production` or `sandbox`";
        assert_eq!(plain(other), other);
    }
}
