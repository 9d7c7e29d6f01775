//! The samples of earlier versions, as they were: each is read, or refused with what to write instead.

use fanfare::config::Config;

use super::{folder, switched_on};

/// The sample that still had upstream.settings_timeout, the only key that was ever taken away.
const SETTINGS_TIMEOUT: &str = include_str!("../../data/earlier/settings-timeout.toml");
/// The sample before there were callers and TLS on the listeners, with all four push services.
const BEFORE_CALLERS: &str = include_str!("../../data/earlier/before-callers.toml");
/// The sample before pushes were paced and upstreams that fail were left alone.
const BEFORE_PACES: &str = include_str!("../../data/earlier/before-paces.toml");

#[tokio::test]
async fn a_configuration_of_an_earlier_version_is_read_or_refused_with_what_to_write() {
    let folder = folder().await;
    let load = |text: &str| {
        let file = folder.path().join("earlier.toml");
        std::fs::write(&file, text).unwrap();
        Config::load(&file).map(|_| ())
    };
    let without = SETTINGS_TIMEOUT.replace("settings_timeout = \"10s\"\n", "");
    assert_ne!(without, SETTINGS_TIMEOUT);
    for sample in [&without, BEFORE_CALLERS, BEFORE_PACES] {
        for text in [sample, &switched_on(sample)] {
            assert_eq!(load(text), Ok(()), "{text}");
        }
    }
    let refused = load(SETTINGS_TIMEOUT).unwrap_err();
    let [error] = &refused.0[..] else { panic!("what to change is told once: {refused}") };
    let line = SETTINGS_TIMEOUT.lines().position(|line| line.starts_with("settings_timeout")).unwrap() + 1;
    let said = error.to_string();
    assert!(
        said.contains(&format!("earlier.toml:{line}: upstream.settings_timeout: this is a key of earlier")),
        "{said}"
    );
    assert!(said.contains("upstream.connect_timeout") && !said.contains("did you mean"), "{said}");
}
