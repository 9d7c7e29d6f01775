//! What a token says under its good signature: for whom, from when, until when, and who.

use super::*;

struct Claimed {
    signer: Signer,
    tokens: Tokens,
}

impl Claimed {
    fn new() -> Self {
        let signer = Signer::es256("a");
        let tokens = tokens(&["ES256"], &[signer.jwk()]);
        Self { signer, tokens }
    }

    fn verify(&self, changed: Value) -> Result<VerifiedToken, TokenProblem> {
        self.tokens.verify(&self.signer.token(&claims(changed)), at(NOW))
    }

    fn says(&self, changed: Value) -> String {
        self.verify(changed).unwrap_err().to_string()
    }
}

#[test]
fn one_of_the_audiences_is_ours() {
    let claimed = Claimed::new();
    for ours in [json!("push"), json!(["push"]), json!(["other", "fanfare"])] {
        assert!(claimed.verify(json!({ "aud": ours })).is_ok(), "{ours}");
    }
    for others in
        [json!("other"), json!("Fanfare"), json!(""), json!([]), json!(["other"]), json!(7), Value::Null]
    {
        let said = claimed.says(json!({ "aud": others }));
        let expected =
            "expected an audience (\"aud\") of this gateway, which is fanfare or push; found others";
        assert_eq!(said, expected, "{others}");
    }
    // A list with something else in it is no list of audiences.
    assert!(claimed.verify(json!({ "aud": ["fanfare", 7] })).is_err());
}

#[test]
fn a_token_is_good_for_a_minute_longer_than_it_says() {
    let claimed = Claimed::new();
    let expired = |by: u64| claimed.verify(json!({ "exp": NOW - by }));
    assert_eq!(expired(59).unwrap().expires_at, at(NOW - 59));
    assert_eq!(expired(60), Err(TokenProblem::Expired(at(NOW - 60))));
    assert_eq!(
        expired(61).unwrap_err().to_string(),
        "expected a token that is still good, found one that expired at 2027-01-15T07:58:59Z"
    );
    assert!(claimed.verify(json!({ "exp": NOW as f64 - 59.5 })).is_ok());
    for claim in ["nbf", "iat"] {
        assert!(claimed.verify(json!({ claim: NOW + 60 })).is_ok(), "{claim}");
        assert!(claimed.verify(json!({ claim: 0 })).is_ok(), "{claim}");
        assert!(claimed.verify(json!({ claim: null })).is_ok(), "{claim} may be absent");
        let expected = format!(
            "expected a token that is good already, found one whose {claim:?} is 2027-01-15T08:01:01Z"
        );
        assert_eq!(claimed.says(json!({ claim: NOW + 61 })), expected);
    }
}

#[test]
fn a_time_is_a_number_that_a_clock_can_hold() {
    let claimed = Claimed::new();
    let expected = |claim| {
        format!(
            "expected the claim {claim:?} to be a time in seconds since 1970, found something else or nothing"
        )
    };
    assert_eq!(claimed.says(json!({ "exp": null })), expected("exp"));
    for claim in ["exp", "nbf", "iat"] {
        for wrong in [json!("1900000000"), json!(-1), json!([NOW]), json!(true)] {
            assert_eq!(claimed.says(json!({ claim: wrong })), expected(claim), "{wrong}");
        }
        // A null that stands there is no absence.
        let null = claims(json!({ claim: "x" })).to_string().replace("\"x\"", "null");
        let token = claimed.signer.sign(&claimed.signer.header().to_string(), &null);
        assert_eq!(refused(&claimed.tokens, &token), expected(claim));
    }
    // The last second of the year 9999 is the end of all tokens.
    for late in [json!(1e300), json!(u64::MAX), json!(i64::MAX)] {
        assert_eq!(claimed.verify(json!({ "exp": late })).unwrap().expires_at, at(253_402_300_799));
    }
    let beyond = claims(json!({ "exp": 7 })).to_string().replace(":7", ":1e999");
    let token = claimed.signer.sign(&claimed.signer.header().to_string(), &beyond);
    assert_eq!(refused(&claimed.tokens, &token), expected("exp"));
}

#[test]
fn a_caller_has_a_name() {
    let claimed = Claimed::new();
    let long = "x".repeat(257);
    for nobody in [json!(""), json!(long), json!(7), json!(["orders"]), json!({}), Value::Null] {
        let expected =
            "expected the claim \"sub\" to be a text of 1 to 256 bytes, found something else or nothing";
        assert_eq!(claimed.says(json!({ "sub": nobody })), expected, "{nobody}");
    }
    let unknown = claimed.says(json!({ "iss": ["https://idp.example"] }));
    assert_eq!(unknown, "expected an issuer (\"iss\") that the gateway is configured to trust, found \"\"");
}
