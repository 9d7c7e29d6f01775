//! Which keys of a set are taken, and for which algorithms.

use super::*;

fn parse(names: &[&str], text: &str) -> Result<KeySet, KeySetError> {
    KeySet::parse(text.as_bytes(), &algorithms(names))
}

fn none(names: &[&str], keys: &[Value]) -> String {
    let Err(KeySetError::NoUsableKey { why, .. }) = parse(names, &set(keys)) else {
        panic!("a key was taken")
    };
    why
}

fn changed(mut jwk: Value, name: &str, value: Value) -> Value {
    jwk[name] = value;
    jwk
}

#[test]
fn a_key_verifies_its_own_algorithm_alone() {
    let (rsa, p256, p384) =
        (Signer::new("r", Algorithm::RS256), Signer::es256("e"), Signer::new("f", Algorithm::ES384));
    let all = ["RS256", "PS256", "ES256", "ES384", "EdDSA"];
    let keys = [rsa.jwk(), p256.jwk(), p384.jwk()];
    let tokens_of_all = tokens(&all, &keys);
    // A token of one algorithm that names the key of another.
    for (signer, named) in [(&rsa, &p256), (&p256, &p384), (&p384, &p256), (&p256, &rsa)] {
        let header = json!({ "alg": signer.algorithm, "kid": named.id }).to_string();
        let token = signer.sign(&header, &claims(json!({})).to_string());
        let problem = tokens_of_all.verify(&token, at(NOW)).unwrap_err();
        assert!(matches!(problem, TokenProblem::NoKeyForAlgorithm { .. }), "{problem}");
    }
    // Its own `alg` narrows an RSA key, which could verify two.
    let pss = Signer { algorithm: Algorithm::PS256, ..rsa };
    let token = pss.token(&claims(json!({})));
    assert!(tokens_of_all.verify(&token, at(NOW)).is_ok());
    let narrowed = tokens(&all, &[changed(pss.jwk(), "alg", "RS256".into())]);
    let problem = narrowed.verify(&token, at(NOW)).unwrap_err();
    let expected = TokenProblem::NoKeyForAlgorithm { issuer: "corp".into(), algorithm: "PS256" };
    assert_eq!(problem, expected);
    // The issuer's list narrows it as well.
    let problem = tokens(&["RS256"], &[pss.jwk()]).verify(&token, at(NOW)).unwrap_err();
    assert!(matches!(problem, TokenProblem::Algorithm { .. }), "{problem}");
}

#[test]
fn keys_that_cannot_be_used_are_left_out_and_named() {
    let (good, rsa) = (Signer::es256("good"), Signer::new("r", Algorithm::RS256));
    let jwk = |name, value| changed(Signer::es256("k").jwk(), name, value);
    let short = "AAAA".to_owned();
    for (unusable, why) in [
        (jwk("use", "enc".into()), r#"the key "k" has the "use" "enc""#),
        (jwk("key_ops", json!(["sign"])), r#"the key "k" has "key_ops" without "verify""#),
        (jwk("key_ops", json!("verify")), r#"the key "k" has no list as "key_ops""#),
        (
            jwk("alg", "RS256".into()),
            r#"the key "k" has "kty" "EC", "crv" "P-256" and "alg" "RS256", which is for none of ES256, RS256"#,
        ),
        (jwk("alg", "HS256".into()), r#"and "alg" "HS256", which is for none of"#),
        (
            jwk("crv", "P-384".into()),
            r#"the key "k" has "kty" "EC", "crv" "P-384", which is for none of ES256, RS256"#,
        ),
        (jwk("crv", "secp256k1".into()), r#""crv" "secp256k1", which is for none of"#),
        (jwk("x", short.clone().into()), r#"the key "k" has an "x" or a "y" that is not 32 bytes long"#),
        (
            jwk("x", URL_SAFE_NO_PAD.encode([1; 32]).into()),
            r#"the key "k" has an "x" and a "y" that are no point"#,
        ),
        (jwk("y", "+/==".into()), r#"the key "k" has no "y" in base64url"#),
        (jwk("kid", 7.into()), r#"has a "kid" that is no text"#),
        (
            json!({ "kty": "oct", "kid": "s", "k": "c2VjcmV0", "alg": "HS256" }),
            r#"the key "s" has "kty" "oct" and "alg" "HS256""#,
        ),
        (json!({ "kty": "oct", "k": "c2VjcmV0", "alg": "RS256" }), r#"a key without "kid" has "kty" "oct""#),
        (json!({ "kid": "k" }), r#"the key "k" has "kty" "", which"#),
        (json!([]), "a key is no JSON object"),
        (
            changed(rsa.jwk(), "n", short.into()),
            r#"the key "r" has an "n" of 16 bits, expected 2048 to 8192"#,
        ),
        (changed(rsa.jwk(), "n", URL_SAFE_NO_PAD.encode([0xff; 128]).into()), r#"an "n" of 1024 bits"#),
        (changed(rsa.jwk(), "e", "".into()), r#"the key "r" has an "n" and an "e" that are no RSA key"#),
    ] {
        let said = none(&["ES256", "RS256"], std::slice::from_ref(&unusable));
        assert!(said.contains(why), "{said}");
        assert!(!said.contains("c2VjcmV0"), "{said}");
        // It spoils no other key.
        let tokens = tokens(&["ES256", "RS256"], &[unusable, good.jwk()]);
        assert!(tokens.verify(&good.token(&claims(json!({}))), at(NOW)).is_ok(), "{why}");
    }
    let short = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "o", "x": "AAAA" });
    assert!(none(&["EdDSA"], &[short]).contains("an \"x\" that is not 32 bytes long"));
    // What is unknown says nothing, and what allows verifying is taken.
    for more in [
        ("x5t", json!("AAAA")),
        ("use", json!("sig")),
        ("key_ops", json!(["sign", "verify"])),
        ("new", json!({})),
    ] {
        assert!(parse(&["ES256"], &set(&[jwk(more.0, more.1)])).is_ok(), "{}", more.0);
    }
}

#[test]
fn a_set_is_bounded_and_has_a_usable_key() {
    let key = Signer::es256("k").jwk();
    let said = |text: &str| parse(&["ES256"], text).map(|_| ()).unwrap_err().to_string();
    assert!(parse(&["ES256"], &set(&vec![key.clone(); 100])).is_ok());
    assert_eq!(said(&set(&vec![key.clone(); 101])), "expected at most 100 keys, found 101");
    let filled = |bytes: usize| {
        let text = set(std::slice::from_ref(&key));
        format!("{text}{}", " ".repeat(bytes - text.len()))
    };
    assert!(parse(&["ES256"], &filled(262_144)).is_ok());
    assert_eq!(said(&filled(262_145)), "expected a JWK set of at most 262144 bytes, found 262145");
    let not_a_set = "expected a JWK set, such as {\"keys\":[…]}, found something else";
    for other in ["", "<html>", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, &key.to_string()] {
        assert_eq!(said(other), not_a_set, "{other}");
    }
    assert_eq!(said(r#"{"keys":[]}"#), "expected a public key for ES256, found none");
    let four =
        set(&[json!({ "kid": "1" }), json!({ "kid": "2" }), json!({ "kid": "3" }), json!({ "kid": "4" })]);
    assert!(
        said(&four).contains("the key \"3\"") && !said(&four).contains("the key \"4\""),
        "{}",
        said(&four)
    );
}
