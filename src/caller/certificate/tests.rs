//! Certificates of callers, and of those who are none.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};

use super::*;
use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use KeyUsagePurpose::{CrlSign, DigitalSignature, KeyCertSign};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn uri(uri: &str) -> SanType {
    SanType::URI(uri.try_into().unwrap())
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

fn leaf(by: &Authority, common_name: &str, names: Vec<SanType>) -> Vec<CertificateDer<'static>> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.subject_alt_names = names;
    let key = KeyPair::generate().unwrap();
    vec![params.signed_by(&key, by).unwrap().der().clone()]
}

fn check(by: &Authority, identity: CertificateIdentity) -> CertificateRule {
    let mut roots = RootCertStore::empty();
    roots.add(by.der().clone()).unwrap();
    CertificateRule::new(Arc::new(roots), identity).unwrap()
}

fn matches(check: &CertificateRule, chain: &[CertificateDer<'static>]) -> bool {
    check.matches(&Chain::parse(chain).unwrap(), SystemTime::now())
}

const ORDERS: &str = "spiffe://example.org/ns/default/sa/orders";

#[test]
fn a_spiffe_id_is_the_only_uri_of_a_certificate_of_its_own_authority() {
    let (own, foreign) = (authority(), authority());
    let check = check(&own, CertificateIdentity::Spiffe(SpiffeId::parse(ORDERS).unwrap()));
    assert!(matches(&check, &leaf(&own, "any", vec![uri(ORDERS)])));
    assert!(matches(&check, &leaf(&own, "any", vec![dns("orders"), uri(ORDERS)])));
    for names in [
        vec![],
        vec![dns("orders")],
        vec![uri(ORDERS), uri("spiffe://example.org/other")],
        vec![uri("spiffe://example.org/other"), uri(ORDERS)],
        vec![uri("spiffe://example.org/ns/default/sa/orders2")],
        vec![uri("spiffe://EXAMPLE.org/ns/default/sa/orders")],
    ] {
        assert!(!matches(&check, &leaf(&own, ORDERS, names.clone())), "{names:?}");
    }
    assert!(!matches(&check, &leaf(&foreign, "any", vec![uri(ORDERS)])), "another authority");
}

#[test]
fn a_dns_name_is_compared_whole_and_a_common_name_is_none() {
    let own = authority();
    let by_name = check(&own, CertificateIdentity::Dns("orders.internal".to_owned()));
    assert!(matches(&by_name, &leaf(&own, "any", vec![dns("Orders.internal")])));
    for names in [vec![], vec![dns("*.internal")], vec![dns("orders.internal.example")]] {
        assert!(!matches(&by_name, &leaf(&own, "orders.internal", names.clone())), "{names:?}");
    }
    let by_common_name = check(&own, CertificateIdentity::CommonName("orders".to_owned()));
    assert!(matches(&by_common_name, &leaf(&own, "orders", vec![])));
    assert!(!matches(&by_common_name, &leaf(&own, "orders2", vec![dns("orders")])));
}

#[test]
fn a_certificate_that_is_not_valid_now_is_nobodys() {
    let own = authority();
    let check = check(&own, CertificateIdentity::CommonName("orders".to_owned()));
    let chain = leaf(&own, "orders", vec![]);
    let parsed = Chain::parse(&chain).unwrap();
    assert!(!check.matches(&parsed, parsed.ends() + Duration::from_secs(1)));
    assert!(!check.matches(&parsed, SystemTime::UNIX_EPOCH));
}

/// A leaf that is made to another's wish.
fn wished(by: &Authority, wish: impl FnOnce(&mut CertificateParams)) -> Vec<CertificateDer<'static>> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "orders");
    wish(&mut params);
    vec![params.signed_by(&KeyPair::generate().unwrap(), by).unwrap().der().clone()]
}

/// Subject alternative names, each with the tag of its kind. Source: RFC 5280, section 4.2.1.6.
fn raw_names(names: &[(u8, &[u8])], rest: &[u8]) -> CustomExtension {
    let mut content = Vec::new();
    for (tag, name) in names {
        content.extend([*tag, u8::try_from(name.len()).unwrap()]);
        content.extend(*name);
    }
    content.extend(rest);
    assert!(content.len() < 128, "a length of one byte");
    content.splice(0..0, [0x30, u8::try_from(content.len()).unwrap()]);
    CustomExtension::from_oid_content(&[2, 5, 29, 17], content)
}

#[test]
fn malformed_names_are_nobodys() {
    let (dns, uri) = (0x82, 0x86);
    let own = authority();
    let (id, name) = (ORDERS.as_bytes(), "orders.internal".as_bytes());
    let by_id = check(&own, CertificateIdentity::Spiffe(SpiffeId::parse(ORDERS).unwrap()));
    let by_name = check(&own, CertificateIdentity::Dns("orders.internal".to_owned()));
    let with =
        |extensions: Vec<CustomExtension>| wished(&own, |params| params.custom_extensions = extensions);
    let good = with(vec![raw_names(&[(dns, name), (uri, id)], &[])]);
    assert!(matches(&by_id, &good) && matches(&by_name, &good));
    let zero = |name: &[u8]| [name, &[0]].concat();
    let not_utf8 = b"spiffe://example.org/\xff";
    for (what, extensions) in [
        ("another URI that is no text", vec![raw_names(&[(dns, name), (uri, id), (uri, not_utf8)], &[])]),
        ("a first URI that is no text", vec![raw_names(&[(uri, not_utf8), (dns, name), (uri, id)], &[])]),
        ("zeros behind", vec![raw_names(&[(dns, &zero(name)), (uri, &zero(id))], &[])]),
        ("something behind", vec![raw_names(&[(dns, name), (uri, id)], &[uri])]),
        ("one extension twice", vec![raw_names(&[(dns, name), (uri, id)], &[]); 2]),
        (
            "no extension that can be parsed",
            vec![CustomExtension::from_oid_content(&[2, 5, 29, 17], id.to_vec())],
        ),
    ] {
        let chain = with(extensions);
        // What cannot be parsed at all is not even looked at.
        let is = |check: &CertificateRule| {
            Chain::parse(&chain).is_some_and(|it| check.matches(&it, SystemTime::now()))
        };
        assert!(!is(&by_id) && !is(&by_name), "{what}");
    }
}

#[test]
fn a_certificate_for_something_else_is_nobodys() {
    let own = authority();
    let check = check(&own, CertificateIdentity::Spiffe(SpiffeId::parse(ORDERS).unwrap()));
    let with = |wish: &dyn Fn(&mut CertificateParams)| {
        wished(&own, |params| {
            params.subject_alt_names = vec![uri(ORDERS)];
            wish(params);
        })
    };
    assert!(matches(&check, &with(&|params| params.extended_key_usages = vec![ServerAuth, ClientAuth])));
    assert!(matches(&check, &with(&|params| params.key_usages = vec![DigitalSignature])));
    assert!(!matches(&check, &with(&|params| params.extended_key_usages = vec![ServerAuth])));
    assert!(!matches(&check, &with(&|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))));
    for signs in [KeyCertSign, CrlSign] {
        let usages = vec![DigitalSignature, signs];
        assert!(!matches(&check, &with(&|params| params.key_usages = usages.clone())), "{signs:?}");
    }
}

#[test]
fn an_authority_between_is_one_and_is_valid() {
    let own = authority();
    let check = check(&own, CertificateIdentity::CommonName("orders".to_owned()));
    let under = |wish: &dyn Fn(&mut CertificateParams)| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "between");
        wish(&mut params);
        let between = CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &own).unwrap();
        let mut chain = leaf(&between, "orders", vec![]);
        chain.push(between.der().clone());
        matches(&check, &chain)
    };
    assert!(under(&|_| {}));
    assert!(!under(&|params| params.is_ca = IsCa::NoCa), "no basic constraints");
    assert!(!under(&|params| params.is_ca = IsCa::ExplicitNoCa));
    assert!(!under(&|params| params.not_after = date_time_ymd(2020, 1, 1)), "expired");
    assert!(!under(&|params| params.extended_key_usages = vec![ServerAuth]));
}

#[test]
fn spiffe_ids_have_a_trust_domain_and_a_path() {
    let id = SpiffeId::parse(ORDERS).unwrap();
    assert_eq!(id.trust_domain(), "spiffe://example.org");
    for bad in [
        "",
        "spiffe://",
        "spiffe://example.org",
        "spiffe://example.org/",
        "spiffe:///orders",
        "spiffe://example.org/a//b",
        "spiffe://example.org/a/../b",
        "spiffe://example.org/a/",
        "spiffe://Example.org/a",
        "spiffe://example.org:8443/a",
        "spiffe://user@example.org/a",
        "spiffe://example.org/a?b",
        "https://example.org/a",
    ] {
        assert!(SpiffeId::parse(bad).is_err(), "{bad}");
    }
}
