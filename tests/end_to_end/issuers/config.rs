//! What a configuration says of issuers, and what is wrong with it.

use std::path::Path;
use std::time::Duration;

use fanfare::caller::jwt::{JwksFetch, JwksSource, SigningAlgorithm};
use fanfare::config::Config;

use super::{Signer, set};
use crate::config::{folder, switched_on};
use crate::issuers::server::Answer;

const SAMPLE: &str = include_str!("../../../examples/fanfare.toml");
const URL: &str = "jwks_url = \"https://idp.example/.well-known/jwks.json\"";
const TIMES: &str = "refresh = \"5m\"\nmax_stale = \"1d\"";

fn load(folder: &Path, text: &str) -> Result<Config, String> {
    let file = folder.join("issuers.toml");
    std::fs::write(&file, text).unwrap();
    Config::load(&file).map_err(|errors| errors.to_string())
}

/// The sample with its issuer, whose keys are in a file.
fn with_file(file: &str) -> String {
    let sample = switched_on(SAMPLE);
    sample.replace(URL, &format!("jwks_file = \"{file}\"")).replace(TIMES, "")
}

#[tokio::test]
async fn the_sample_says_every_default() {
    let folder = folder().await;
    assert!(load(folder.path(), SAMPLE).unwrap().issuers.is_empty());
    let full = load(folder.path(), &switched_on(SAMPLE)).unwrap();
    let bare = format!(
        "{SAMPLE}\n[issuers.corp]\nissuer = \"https://idp.example\"\naudience = [\"fanfare\"]\n{URL}\n"
    );
    let bare = load(folder.path(), &bare).unwrap();
    for config in [full, bare] {
        let [issuer] = <[_; 1]>::try_from(config.issuers).ok().unwrap();
        assert_eq!((&*issuer.name, issuer.issuer.as_str()), ("corp", "https://idp.example"));
        assert_eq!((issuer.audiences, issuer.claim.as_str()), (vec!["fanfare".to_owned()], "sub"));
        assert_eq!(issuer.algorithms, SigningAlgorithm::DEFAULT);
        let JwksSource::Fetched(JwksFetch { origin, path, refresh, max_stale, .. }) = issuer.jwks else {
            panic!("the keys are fetched")
        };
        assert_eq!(
            (origin.to_string().as_str(), path.as_str()),
            ("https://idp.example", "/.well-known/jwks.json")
        );
        assert_eq!((refresh, max_stale), (Duration::from_secs(300), Duration::from_secs(86_400)));
    }
}

#[tokio::test]
async fn keys_are_read_from_a_file() {
    let folder = folder().await;
    let Answer::Body(keys) = set(&[&Signer::new("a")]) else { panic!("a set is a body") };
    std::fs::write(folder.path().join("jwks.json"), &keys).unwrap();
    let config = load(folder.path(), &with_file("jwks.json")).unwrap();
    assert!(matches!(config.issuers[0].jwks, JwksSource::File(_)));
}

#[tokio::test]
async fn what_is_wrong_is_said_with_its_key() {
    let folder = folder().await;
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let Answer::Body(keys) = set(&[&Signer::new("a")]) else { panic!("a set is a body") };
    write("jwks.json", &keys);
    write("empty.json", r#"{"keys":[]}"#);
    write("secret.json", r#"{"keys":[{"kty":"oct","kid":"s","k":"c2VjcmV0"}]}"#);
    let sample = switched_on(SAMPLE);
    let said = |text: &str| load(folder.path(), text).err().unwrap_or_default();
    for (from, to, expected) in [
        (
            "issuer = \"https://idp.example\"",
            "issuer = \"\"",
            "issuers.corp.issuer: expected a text, found an empty one",
        ),
        ("issuer = \"https://idp.example\"", "", "issuers.corp: missing field `issuer`"),
        ("audience = \"fanfare\"", "audience = []", "issuers.corp.audience: expected at least one audience"),
        (
            "audience = \"fanfare\"",
            "audience = [\"\"]",
            "issuers.corp.audience: expected a text, found an empty one",
        ),
        ("audience = \"fanfare\"", "audience = 7", "expected a text or a list of texts"),
        ("claim = \"sub\"", "claim = \"\"", "issuers.corp.claim: expected a text"),
        ("claim = \"sub\"", "claims = \"sub\"", "claims"),
        (
            "\"RS256\", \"ES256\"]",
            "\"HS256\"]",
            "issuers.corp.algorithms: expected one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA, found \"HS256\"",
        ),
        ("\"RS256\", \"ES256\"]", "\"none\"]", "found \"none\""),
        (
            "\"RS256\", \"ES256\"]",
            "]",
            "issuers.corp.algorithms: expected at least one algorithm, found none",
        ),
        ("\"RS256\", \"ES256\"]", "\"ES256\", \"ES256\"]", "expected each algorithm once, found ES256 twice"),
        (URL, "", "issuers.corp: expected jwks_file or jwks_url, found neither"),
        (
            URL,
            &format!("{URL}\njwks_file = \"jwks.json\""),
            "issuers.corp: expected jwks_file or jwks_url, found both",
        ),
        (
            URL,
            "jwks_url = \"http://idp.example/jwks.json\"",
            "issuers.corp.jwks_url: expected a URL such as https://idp.example/jwks.json, found \"http://idp.example/jwks.json\": it is not https",
        ),
        (URL, "jwks_url = \"idp.example\"", "found \"idp.example\": it is no whole URL"),
        (URL, "jwks_url = \"ftp://idp.example/\"", "it has no origin that can be reached"),
        (
            URL,
            "jwks_file = \"jwks.json\"",
            "issuers.corp.refresh: expected it beside jwks_url alone, found it beside jwks_file",
        ),
        ("refresh = \"5m\"", "refresh = \"0s\"", "issuers.corp.refresh: expected more than 0"),
        ("refresh = \"5m\"", "refresh = \"20ms\"", "issuers.corp.refresh: expected at least 1s, found 20ms"),
        (
            "max_stale = \"1d\"",
            "max_stale = \"1m\"",
            "issuers.corp.max_stale: expected at least issuers.corp.refresh (300s), found 60s",
        ),
    ] {
        assert!(sample.contains(from), "{from}");
        let said = said(&sample.replace(from, to));
        assert!(said.contains(expected) && said.contains("issuers.toml:"), "{to}: {said}");
    }
    for (file, expected) in [
        ("missing.json", "issuers.corp.jwks_file: missing.json: cannot be read: No such file"),
        (
            "empty.json",
            "issuers.corp.jwks_file: empty.json: expected a public key for RS256, ES256, found none",
        ),
        ("secret.json", "found none: the key \"s\" has \"kty\" \"oct\", which is for none of RS256, ES256"),
        (
            "ca.pem",
            "issuers.corp.jwks_file: ca.pem: expected a JWK set, such as {\"keys\":[…]}, found something else",
        ),
    ] {
        let said = said(&with_file(file));
        assert!(said.contains(expected) && !said.contains("c2VjcmV0"), "{file}: {said}");
    }
    let twins =
        format!("{sample}\n[issuers.twin]\nissuer = \"https://idp.example\"\naudience = \"push\"\n{URL}\n");
    let expected = "issuers.twin.issuer: expected another \"iss\" than that of issuers.corp, found the same";
    assert!(said(&twins).contains(expected), "{}", said(&twins));
    // On loopback nobody can listen to the way.
    for loopback in ["http://localhost:1/keys", "http://127.0.0.1:1", "http://[::1]:1/keys"] {
        assert_eq!(said(&sample.replace(URL, &format!("jwks_url = \"{loopback}\""))), "", "{loopback}");
    }
}
