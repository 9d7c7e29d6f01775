//! What the configuration says of listeners.

use fanfare::config::Config;

use crate::config::{SAMPLE, folder, switched_on};

#[tokio::test]
async fn plaintext_off_loopback_is_asked_for_by_name() {
    let folder = folder().await;
    let said = |text: String| {
        let file = folder.path().join("changed.toml");
        std::fs::write(&file, text).unwrap();
        Config::load(&file).map_or_else(|errors| errors.to_string(), |_| String::new())
    };
    for (table, port) in [("grpc", 50051), ("admin", 9464)] {
        let anywhere = SAMPLE.replace(&format!("127.0.0.1:{port}"), &format!("0.0.0.0:{port}"));
        let refused = said(anywhere.clone());
        let expected = format!("{table}.listen: expected a loopback address, found 0.0.0.0:{port}");
        assert!(refused.contains(&expected) && refused.lines().count() == 1, "{refused}");
        assert_eq!(said(anywhere.replace("plaintext_anywhere = false", "plaintext_anywhere = true")), "");
        let files = "certificate_file = \"gateway.pem\"\nprivate_key_file = \"gateway.key\"";
        let with_tls = format!("{anywhere}\n[{table}.tls]\n{files}\n");
        let refused = said(with_tls.clone());
        assert!(
            refused.contains("expected") && refused.contains("caller") && refused.lines().count() == 1,
            "{refused}"
        );
        let caller = "[callers.operator]\nadmin = true\nanonymous = true\n";
        assert_eq!(said(format!("{with_tls}{caller}")), "");
    }
}

#[tokio::test]
async fn a_certificate_of_a_listener_that_has_ended_is_a_warning() {
    let folder = folder().await;
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(["gateway.example".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    std::fs::write(folder.path().join("gateway.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(folder.path().join("gateway.key"), key.serialize_pem()).unwrap();
    let file = folder.path().join("switched_on.toml");
    std::fs::write(&file, switched_on(SAMPLE)).unwrap();
    let warnings: Vec<_> =
        Config::load(&file).unwrap().warnings.iter().map(std::string::ToString::to_string).collect();
    for key in ["grpc.tls.certificate_file", "admin.tls.certificate_file"] {
        let expected = format!("{key}: expected a certificate that is valid now, found one from ");
        assert!(warnings.iter().any(|warning| warning.contains(&expected)), "{warnings:?}");
    }
}
