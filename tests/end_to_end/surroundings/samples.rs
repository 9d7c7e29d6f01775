//! The configurations in README.md, the sample and the page on callers are good as a reader copies them.

use super::{check, run, said};
use crate::config::{folder, switched_on};

const README: &str = include_str!("../../../README.md");
const SAMPLE: &str = include_str!("../../../examples/fanfare.toml");
const CALLERS: &str = include_str!("../../../docs/callers.md");

/// The code blocks of README.md with this mark.
fn blocks(mark: &str) -> Vec<&'static str> {
    blocks_of(README, mark)
}

/// The code blocks of a page with this mark.
fn blocks_of(page: &'static str, mark: &str) -> Vec<&'static str> {
    let begin = format!("\n```{mark}\n");
    let after = page.split(begin.as_str()).skip(1);
    after.map(|after| after.split("\n```").next().unwrap()).collect()
}

#[tokio::test]
async fn every_configuration_is_good_as_it_is_and_with_everything_switched_on() {
    let mut samples = blocks("toml");
    assert_eq!(samples.len(), 1);
    samples.push(SAMPLE);
    for sample in samples {
        let folder = folder().await;
        let config = folder.path().join("fanfare.toml");
        let all = switched_on(sample);
        assert_ne!(all, sample);
        for text in [sample, &all] {
            std::fs::write(&config, text).unwrap();
            let checked = run(check(&config)).await;
            assert_eq!(checked.status.code(), Some(0), "{text}\n{}", said(&checked));
            assert!(said(&checked).ends_with("fanfare.toml is good\n"), "{}", said(&checked));
        }
        // No setting is commented out as prose, and no prose looks like a setting.
        let off = sample.lines().filter(|line| line.starts_with('#') && !line.starts_with("# "));
        for line in off {
            assert!(line.starts_with("#[") || line.contains(" = "), "{line}");
        }
    }
}

#[tokio::test]
async fn the_page_on_callers_names_callers_of_the_apps_of_the_readme() {
    let [callers] = blocks_of(CALLERS, "toml").try_into().unwrap();
    let folder = folder().await;
    std::fs::copy(folder.path().join("ca.pem"), folder.path().join("callers-ca.pem")).unwrap();
    let config = folder.path().join("fanfare.toml");
    std::fs::write(&config, format!("{callers}\n{}", blocks("toml")[0])).unwrap();
    let checked = run(check(&config)).await;
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
}
