use std::time::UNIX_EPOCH;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

use super::source::{Endpoint, SourceError};
use super::*;

const EPOCH_SECONDS: u64 = 1_700_000_000;
const AUDIENCE: &str = "https://oauth2.googleapis.com/token";

fn rsa() -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()
}

fn service_account(pem: &str) -> Value {
    json!({
        "type": "service_account", "project_id": "demo-project", "private_key_id": "abc123",
        "private_key": pem, "client_email": "sender@demo-project.iam.gserviceaccount.com",
        "client_id": "1", "token_uri": AUDIENCE, "universe_domain": "googleapis.com",
    })
}

fn authorized_user() -> Value {
    json!({
        "type": "authorized_user", "client_id": "1.apps.googleusercontent.com",
        "client_secret": "hush", "refresh_token": "1//silence", "account": "", "quota_project_id": "demo-project",
    })
}

fn parse(file: &Value) -> Result<Source, SourceError> {
    Source::from_json(&file.to_string().into())
}

fn call(source: &Source) -> TokenRequest {
    source.token_request(UNIX_EPOCH + Duration::from_secs(EPOCH_SECONDS)).unwrap()
}

fn form(call: &TokenRequest) -> Vec<(String, String)> {
    form_urlencoded::parse(&call.body).into_owned().collect()
}

#[test]
fn an_assertion_verifies_and_says_who_for_what_to_whom_and_how_long() {
    let key = rsa();
    let source = parse(&service_account(&key.serialize_pem())).unwrap();
    let source = source.with_endpoint("https://localhost:1234/other".parse().unwrap());
    assert_eq!(source.endpoint().to_string(), "https://localhost:1234/other");
    let call = call(&source);
    assert_eq!(call.method, http::Method::POST);
    assert_eq!(call.header.1, "application/x-www-form-urlencoded");
    let form = form(&call);
    let grant = ("grant_type".to_owned(), "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned());
    assert_eq!((form.len(), &form[0], form[1].0.as_str()), (2, &grant, "assertion"));

    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.set_audience(&[AUDIENCE]);
    let public = DecodingKey::from_rsa_der(key.public_key_raw());
    let decoded = jsonwebtoken::decode::<Value>(&form[1].1, &public, &validation).unwrap();
    assert_eq!(decoded.header.kid.as_deref(), Some("abc123"));
    assert_eq!(decoded.header.typ.as_deref(), Some("JWT"));
    let claims = json!({
        "iss": "sender@demo-project.iam.gserviceaccount.com",
        "scope": "https://www.googleapis.com/auth/firebase.messaging",
        "aud": AUDIENCE, "iat": EPOCH_SECONDS, "exp": EPOCH_SECONDS + 3600,
    });
    assert_eq!(decoded.claims, claims);
}

#[test]
fn a_users_consent_is_refreshed_at_googles_own_endpoint_where_the_file_names_none() {
    let source = parse(&authorized_user()).unwrap();
    assert_eq!(source.endpoint().to_string(), AUDIENCE);
    assert_eq!(source.account(), "1.apps.googleusercontent.com");
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", "1.apps.googleusercontent.com"),
        ("client_secret", "hush"),
        ("refresh_token", "1//silence"),
    ];
    assert_eq!(form(&call(&source)), fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn the_metadata_server_is_asked_with_its_header() {
    let source = Source::metadata_server(Source::metadata_origin());
    let call = call(&source);
    assert_eq!(
        source.endpoint().to_string(),
        "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token"
    );
    assert_eq!((call.method, call.body.len()), (http::Method::GET, 0));
    assert_eq!(call.header, ("metadata-flavor", "Google"));
    // Written in the code, it is what it would be if it were parsed.
    assert_eq!(Source::metadata_origin(), "http://metadata.google.internal".parse().unwrap());
}

#[test]
fn a_file_that_is_wrong_is_told_by_its_key() {
    let pem = rsa().serialize_pem();
    let broken = |file: &Value, key: &str, value: Option<Value>| {
        let mut file = file.clone();
        match value {
            Some(value) => file[key] = value,
            None => drop(file.as_object_mut().unwrap().remove(key)),
        }
        parse(&file).unwrap_err().to_string()
    };
    let account = service_account(&pem);
    for key in ["type", "private_key", "client_email", "token_uri"] {
        assert_eq!(broken(&account, key, None), format!("the key {key:?} is missing"));
        let not_text = format!("the key {key:?} is not a text, or is empty");
        assert_eq!(broken(&account, key, Some(7.into())), not_text);
        assert_eq!(broken(&account, key, Some("".into())), not_text);
    }
    for key in ["client_id", "client_secret", "refresh_token"] {
        assert_eq!(broken(&authorized_user(), key, None), format!("the key {key:?} is missing"));
    }
    let other = broken(&account, "type", Some("external_account".into()));
    assert!(other.starts_with("the key \"type\" is \"external_account\"; expected"), "{other}");
    let elliptic = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
    for key in ["no key", &elliptic, &pem[..pem.len() / 2]] {
        let error = broken(&account, "private_key", Some(key.into()));
        assert_eq!(error, "the key \"private_key\" is not an RSA private key in PEM that can sign RS256");
    }
    for (uri, why) in [
        ("http://oauth2.googleapis.com/token", "it is not https"),
        ("/token", "it is no whole URL"),
        ("ftp://localhost/token", "it has no origin that can be reached"),
        ("https://user@localhost/token", "it has no origin that can be reached"),
    ] {
        let error = broken(&account, "token_uri", Some(uri.into()));
        let expected = format!("the key \"token_uri\" is {uri:?}, and {why}; expected such as {AUDIENCE}");
        assert_eq!(error, expected);
    }
    for text in ["", "hush", "[\"hush\"]", "{\"type\": hush}"] {
        let error = Source::from_json(&text.to_owned().into()).unwrap_err().to_string();
        assert!(error.starts_with("expected a JSON object") && !error.contains("hush"), "{text}: {error}");
    }
}

#[test]
fn loopback_may_be_asked_without_tls() {
    for uri in ["http://127.0.0.1:1234/token", "http://localhost/token", "http://[::1]:80/token?a=b"] {
        assert!(uri.parse::<Endpoint>().is_ok(), "{uri}");
    }
}

#[test]
fn debug_shows_no_secret() {
    let pem = rsa().serialize_pem();
    let shown =
        format!("{:?} {:?}", parse(&service_account(&pem)).unwrap(), parse(&authorized_user()).unwrap());
    assert!(shown.contains("sender@demo-project"), "{shown}");
    assert!(!shown.contains("hush") && !shown.contains("silence"), "{shown}");
    assert!(pem.lines().filter(|line| !line.starts_with('-')).all(|line| !shown.contains(line)));
}

#[test]
fn what_is_lasting_is_told_at_once() {
    let failure = |why, times| CallFailure { why, times };
    assert!(failure(NoToken::Refused("no".into()), 1).is_lasting());
    assert!(!failure(NoToken::Unavailable("down".into()), PATIENCE - 1).is_lasting());
    assert!(failure(NoToken::Unavailable("down".into()), PATIENCE).is_lasting());
}
