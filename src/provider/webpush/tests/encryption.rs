//! What leaves the gateway is what the RFCs say, and a browser reads it.

use super::encrypt::{aes128gcm, encrypt};
use super::*;

/// Source: RFC 8291, appendix A.
#[test]
fn the_vector_of_rfc_8291_comes_out_byte_for_byte() {
    let vector = Ephemeral::given(&bytes(OWN_KEY), bytes(SALT).try_into().unwrap());
    let expected = concat!(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz",
        "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
    );
    let body = encrypt(&browser(ENDPOINT), &vector, PLAINTEXT, 0).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.encode(body), expected);

    // The same through the three steps of a push.
    let body = self::body(raw(PLAINTEXT));
    let payload = web_push().encode(&body).unwrap();
    let sealed = web_push().seal(&payload, &browser(ENDPOINT), &vector).unwrap();
    let message = addressed(&web_push(), &body, &browser(ENDPOINT), &payload, &sealed, at(0)).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.encode(message.request.body()), expected);
}

/// Source: RFC 8188, section 3.1.
#[test]
fn the_vector_of_rfc_8188_comes_out_byte_for_byte() {
    let salt = bytes("I1BsxtFttlv3u_Oo94xnmw").try_into().unwrap();
    let body = aes128gcm(&bytes("yqdlZ-tYemfogSmv7Ws5PQ"), salt, b"", b"I am the walrus", 0).unwrap();
    assert_eq!(
        URL_SAFE_NO_PAD.encode(body),
        "I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg"
    );
}

#[test]
fn mozillas_crate_opens_what_was_sealed_at_every_length_and_padding() {
    for length in [1, 2, 15, 16, 17, 127, 128, 129, 1000, 3967, 3968, 3992, MAX_PLAINTEXT_BYTES] {
        let plaintext: Vec<u8> = (0..=255).cycle().take(length).collect();
        for pad_to in [0, 1, 2, 100, 128, 4096, usize::MAX] {
            let settings = WebPushSettings { pad_to, ..WebPushSettings::default() };
            let web_push = WebPush::try_new(settings).unwrap();
            let message = sent_by(&web_push, &body(raw(&plaintext)), &browser(ENDPOINT)).unwrap();
            assert!(
                cryptographer::decrypt(message.request.body()) == plaintext,
                "{length} bytes padded to {pad_to}"
            );
            let padded = if pad_to < 2 { length } else { length.div_ceil(pad_to).saturating_mul(pad_to) };
            assert_eq!(
                message.request.body().len(),
                padded.min(MAX_PLAINTEXT_BYTES) + 103,
                "{length} to {pad_to}"
            );
        }
    }
}

#[test]
fn lengths_are_hidden_up_to_the_limit_of_4096() {
    let settings = WebPushSettings { pad_to: 512, ..WebPushSettings::default() };
    let web_push = WebPush::try_new(settings).unwrap();
    let length = |bytes: usize| {
        let plaintext = vec![b'x'; bytes];
        sent_by(&web_push, &body(raw(&plaintext)), &browser(ENDPOINT)).unwrap().request.body().len()
    };
    assert_eq!(length(1), length(512));
    assert_eq!(length(3585), 4096);
    assert_eq!(length(MAX_PLAINTEXT_BYTES), 4096);
}

#[test]
fn no_two_messages_share_a_key_or_a_salt() {
    let header = || sent(&body(raw(b"x"))).unwrap().request.body()[..86].to_vec();
    let (one, other) = (header(), header());
    assert_ne!(one[..16], other[..16]);
    assert_ne!(one[21..], other[21..]);
    assert_ne!(one[21..], bytes(BROWSER_PUBLIC));
}

#[test]
fn keys_that_are_none_are_refused_by_name() {
    let point = bytes(BROWSER_PUBLIC);
    let changed = |at: usize, byte: u8| {
        let mut point = point.clone();
        point[at] = byte;
        point
    };
    let infinity = vec![0];
    let compressed = [&[2 + (point[64] & 1)], &point[1..33]].concat();
    let hybrid = changed(0, 6 + (point[64] & 1));
    let too_large = [vec![4], vec![0xff; 64]].concat();
    let bad = [
        (changed(64, point[64] ^ 1), Reason::FieldInvalid),
        (changed(0, 0), Reason::FieldInvalid),
        (changed(0, 2), Reason::FieldInvalid),
        (hybrid, Reason::FieldInvalid),
        (vec![0; 65], Reason::FieldInvalid),
        ([vec![4], vec![0; 64]].concat(), Reason::FieldInvalid),
        (too_large, Reason::FieldInvalid),
        (infinity, Reason::FieldInvalid),
        (compressed, Reason::FieldInvalid),
        (point[..64].to_vec(), Reason::FieldInvalid),
        ([point.clone(), vec![0]].concat(), Reason::FieldInvalid),
        (vec![], Reason::FieldRequired),
    ];
    let refused = |p256dh: &[u8], auth: &[u8]| {
        let subscription = Subscription { p256dh: p256dh.to_vec(), auth: auth.to_vec(), ..browser(ENDPOINT) };
        let refusal = sent_by(&web_push(), &body(alert()), &subscription).unwrap_err();
        let absent = refusal.reason == Reason::FieldRequired;
        assert_eq!(refusal.outcome, if absent { Outcome::InvalidPush } else { Outcome::InvalidToken });
        assert!(refusal.detail.contains("expected") && refusal.detail.contains("found"), "{refusal:?}");
        (refusal.reason, refusal.field)
    };
    for (p256dh, reason) in bad {
        let found = refused(&p256dh, &bytes(AUTH));
        assert_eq!(found, (reason, "target.web_push.p256dh".into()), "{p256dh:x?}");
    }
    for (auth, reason) in [(0, Reason::FieldRequired), (15, Reason::FieldInvalid), (17, Reason::FieldInvalid)]
    {
        assert_eq!(refused(&point, &vec![1; auth]), (reason, "target.web_push.auth".into()), "{auth} bytes");
    }
}
