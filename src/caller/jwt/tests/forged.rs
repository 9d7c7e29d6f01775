//! What attackers try: other algorithms, other keys, headers that say two things, and bytes that are no token.

use proptest::prelude::*;

use super::*;

fn encoded(header: &str) -> String {
    let claims = claims(json!({})).to_string();
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

#[test]
fn no_signature_is_no_token() {
    let signer = Signer::es256("a");
    let tokens = tokens(&["ES256", "RS256"], &[signer.jwk()]);
    for none in ["none", "None", "NONE", "nOnE", ""] {
        for end in [".", ".AAAA"] {
            let token = format!("{}{end}", encoded(&json!({ "alg": none, "kid": "a" }).to_string()));
            let expected = format!("expected a token that is signed by ES256, RS256, found \"alg\" {none:?}");
            assert_eq!(refused(&tokens, &token), expected);
        }
    }
    // Zeros are a signature on curves where nobody checks. CVE-2022-21449.
    let zeros = format!("{}.{}", encoded(&signer.header().to_string()), URL_SAFE_NO_PAD.encode([0; 64]));
    assert_eq!(tokens.verify(&zeros, at(NOW)), Err(TokenProblem::Signature("corp".into())));
    let empty = format!("{}.", encoded(&signer.header().to_string()));
    assert_eq!(tokens.verify(&empty, at(NOW)), Err(TokenProblem::Signature("corp".into())));
}

#[test]
fn a_public_key_is_no_secret() {
    let signer = Signer::new("a", Algorithm::RS256);
    let tokens = tokens(&["RS256"], &[signer.jwk()]);
    let modulus = signer.jwk()["n"].as_str().unwrap().to_owned();
    let public_keys = [signer.pair.public_key_pem().into_bytes(), signer.pair.public_key_raw().to_vec()];
    let secrets = public_keys.into_iter().chain([URL_SAFE_NO_PAD.decode(modulus).unwrap()]);
    for secret in secrets {
        let header = json!({ "alg": "HS256", "kid": "a" }).to_string();
        let message = encoded(&header);
        let secret = EncodingKey::from_secret(&secret);
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).unwrap();
        let expected = "expected a token that is signed by RS256, found \"alg\" \"HS256\"";
        assert_eq!(refused(&tokens, &format!("{message}.{signature}")), expected);
    }
    assert!("HS256".parse::<SigningAlgorithm>().is_err() && "none".parse::<SigningAlgorithm>().is_err());
}

#[test]
fn with_the_exponent_1_nobody_signs() {
    // With this exponent each message is its own signature. aws-lc-rs reads such a key, and verifies nothing by it.
    let signer = Signer::new("r", Algorithm::RS256);
    let mut jwk = signer.jwk();
    jwk["e"] = "AQ".into();
    let tokens = tokens(&["RS256"], &[jwk]);
    let (header, claims) = (signer.header().to_string(), claims(json!({})).to_string());
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, message.as_bytes());
    // The name of SHA-256 and the padding. Source: RFC 8017, section 9.2.
    let name = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
    let padding = [0xff; 2048 / 8 - 3 - 19 - 32];
    let padded = [b"\x00\x01", &padding[..], b"\x00", name, digest.as_ref()].concat();
    assert_eq!(padded.len(), 2048 / 8);
    let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode(padded));
    assert_eq!(tokens.verify(&forged, at(NOW)), Err(TokenProblem::Signature("corp".into())));
}

#[test]
fn a_foreign_key_is_told_by_its_signature_or_its_kid() {
    let (ours, foreign) = (Signer::es256("a"), Signer::es256("a"));
    let tokens = tokens(&["ES256"], &[ours.jwk()]);
    let under_our_kid = foreign.token(&claims(json!({})));
    assert_eq!(
        refused(&tokens, &under_our_kid),
        "expected a signature by a key of issuer corp, found another one"
    );
    let long = "k".repeat(100);
    let header = json!({ "alg": "ES256", "kid": long }).to_string();
    let unknown = tokens.verify(&foreign.sign(&header, &claims(json!({})).to_string()), at(NOW)).unwrap_err();
    let shown = format!("{}…", "k".repeat(64));
    assert_eq!(
        unknown.to_string(),
        format!("expected a key of issuer corp, found the unknown \"kid\" {shown:?}")
    );
    assert_eq!(unknown.missing_keys_of(), Some("corp"));
    // A key that the token itself brings is a stranger's.
    let mut header = foreign.header();
    header["jwk"] = foreign.jwk();
    header["jku"] = "https://attacker.example/jwks.json".into();
    let brings_its_own = foreign.sign(&header.to_string(), &claims(json!({})).to_string());
    assert_eq!(tokens.verify(&brings_its_own, at(NOW)), Err(TokenProblem::Signature("corp".into())));
}

#[test]
fn headers_that_say_two_things_or_need_understanding_are_refused() {
    let signer = Signer::es256("a");
    let tokens = tokens(&["ES256"], &[signer.jwk()]);
    let with = |header: &str| refused(&tokens, &signer.sign(header, &claims(json!({})).to_string()));
    for crit in [r#"["exp"]"#, r#"["b64"]"#, "[]", "null"] {
        let header = format!(r#"{{"alg":"ES256","kid":"a","crit":{crit},"b64":true}}"#);
        let expected =
            "expected no header member \"crit\", since no extension of tokens is understood; found one";
        assert_eq!(with(&header), expected);
    }
    for twice in [
        r#"{"alg":"ES256","alg":"none","kid":"a"}"#,
        r#"{"alg":"none","alg":"ES256","kid":"a"}"#,
        r#"{"alg":"ES256","\u0061lg":"ES256","kid":"a"}"#,
        r#"{"alg":"ES256","kid":"a","typ":"JWT","typ":"JWT"}"#,
        "[]",
    ] {
        assert!(
            with(twice).ends_with("a header that is no JSON object, or has two members of the same name")
        );
    }
    assert!(with(r#"{"kid":"a"}"#).ends_with("a header whose \"alg\" is no text"));
    assert!(with(r#"{"alg":["ES256"],"kid":"a"}"#).ends_with("a header whose \"alg\" is no text"));
    assert!(with(r#"{"alg":"ES256","kid":7}"#).ends_with("a \"kid\" that is no text"));
    let twice =
        signer.sign(&signer.header().to_string(), &format!(r#"{{"iss":"{ISSUER}","sub":"a","sub":"b"}}"#));
    assert!(
        refused(&tokens, &twice).ends_with("claims that are no JSON object, or two claims of the same name")
    );
}

#[test]
fn a_token_without_kid_is_tried_against_few_keys_of_its_algorithm() {
    let signers: Vec<_> = ["a", "b", "c", "d", "e"].into_iter().map(Signer::es256).collect();
    let rsa: Vec<_> = (0..6).map(|_| Signer::new("r", Algorithm::RS256).jwk()).collect();
    let jwks: Vec<_> = signers.iter().map(Signer::jwk).collect();
    let header = json!({ "alg": "ES256" }).to_string();
    let token = signers[3].sign(&header, &claims(json!({})).to_string());
    // Keys for other algorithms do not count.
    let four = tokens(&["ES256", "RS256"], &[&jwks[..4], &rsa].concat());
    assert!(four.verify(&token, at(NOW)).is_ok());
    let without = tokens(&["ES256"], &jwks[..3]);
    assert_eq!(without.verify(&token, at(NOW)), Err(TokenProblem::Signature("corp".into())));
    let five = tokens(&["ES256"], &jwks);
    assert_eq!(
        five.verify(&token, at(NOW)),
        Err(TokenProblem::AmbiguousKey { issuer: "corp".into(), keys: 5 })
    );
    let none = tokens(&["ES256", "RS256"], &rsa);
    assert_eq!(
        none.verify(&token, at(NOW)),
        Err(TokenProblem::NoKeyForAlgorithm { issuer: "corp".into(), algorithm: "ES256" })
    );
}

#[test]
fn a_token_is_bounded() {
    let signer = Signer::es256("a");
    let tokens = tokens(&["ES256"], &[signer.jwk()]);
    let with = |length: usize| signer.token(&claims(json!({ "groups": "g".repeat(length) })));
    assert!(tokens.verify(&with(5_000), at(NOW)).is_ok());
    let long = with(8_192);
    let expected = format!("expected a token of at most 8192 bytes, found {}", long.len());
    assert_eq!(refused(&tokens, &long), expected);
    assert_eq!(
        refused(&tokens, &"a".repeat(1 << 20)),
        "expected a token of at most 8192 bytes, found 1048576"
    );
    let header = json!({ "alg": "ES256", "kid": "\u{1b}".repeat(900) }).to_string();
    let said = refused(&tokens, &signer.sign(&header, &claims(json!({})).to_string()));
    assert!(said.contains(r#"the unknown "kid" "\u{1b}"#) && said.len() < 1_000, "{said}");
    assert!(!said.contains('\u{1b}'), "it does nothing to a terminal");
}

#[test]
fn what_is_no_token_is_told_without_repeating_it() {
    let signer = Signer::es256("a");
    let good = signer.token(&claims(json!({})));
    let tokens = tokens(&["ES256"], &[signer.jwk()]);
    // The last character has four bits that belong to no byte of the signature.
    let mut second_spelling = good.clone();
    let last = second_spelling.pop().unwrap();
    second_spelling.push(char::from_u32(u32::from(last) + 1).unwrap());
    for garbage in [
        "",
        "secret",
        "secret.secret",
        "a.b.c.d",
        "..",
        "…",
        &good[1..],
        &format!("{good}="),
        &format!("{good} "),
        &good.replacen('.', "\n.", 1),
        &second_spelling,
    ] {
        let said = refused(&tokens, garbage);
        assert!(said.starts_with("expected a JSON Web Token in its compact form, found "), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
    // Nested to the bound, it is read without recursion.
    let deep = "[".repeat(5_000);
    let deep = signer.sign(&format!(r#"{{"alg":"ES256","kid":"a","x":{deep}"#), "{}");
    assert!(refused(&tokens, &deep).starts_with("expected a JSON Web Token"));
}

proptest! {
    #[test]
    fn no_bytes_panic_and_none_are_taken(
        header in prop_oneof![any::<String>(), r#"\{("(alg|kid|crit)":("ES256"|"a"|[0-9]|null),?){0,3}\}"#],
        claims in prop_oneof![any::<String>(), r#"\{("(iss|aud|exp)":("https://idp.example"|[0-9e]{1,9}),?){0,3}\}"#],
        signature in prop::collection::vec(any::<u8>(), 0..80),
        raw in any::<String>(),
    ) {
        let signer = Signer::es256("a");
        let tokens = tokens(&["ES256"], &[signer.jwk()]);
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(&header), URL_SAFE_NO_PAD.encode(&claims));
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(&signature));
        prop_assert!(tokens.verify(&token, at(NOW)).is_err());
        prop_assert!(tokens.verify(&raw, at(NOW)).is_err());
        // The same under a good signature reaches the claims.
        let signed = signer.sign(&signer.header().to_string(), &claims);
        prop_assert!(tokens.verify(&signed, at(NOW)).is_err());
    }
}
