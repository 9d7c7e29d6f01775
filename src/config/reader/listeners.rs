//! What the file says of who may connect.

use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use fanfare_upstream::Validity;
use fanfare_upstream::tls::TlsError;
use ipnet::IpNet;

use super::Reader;
use crate::config::file;
use crate::listener::{ListenerSettings, ServerTls};

impl Reader<'_> {
    pub(super) fn grpc_listener(&mut self, listener: &mut ListenerSettings, file: &file::Grpc) {
        self.listen("grpc", listener, file.listen, file.tls.as_ref());
        self.expect_secret_or_loopback("grpc", listener, file.tls.is_some() || file.plaintext_anywhere);
        self.wait("grpc.handshake_timeout", &mut listener.handshake_timeout, file.handshake_timeout);
        self.wait("grpc.idle_timeout", &mut listener.idle_timeout, file.idle_timeout);
        let stall = file.answer_stall_timeout;
        self.wait("grpc.answer_stall_timeout", &mut listener.answer_stall_timeout, stall);
        self.positive("grpc.max_connections", &mut listener.max_connections, file.max_connections);
        self.per_address("grpc", listener, file.max_connections_per_address);
        listener.trusted_proxies = self.networks("grpc.trusted_proxies", &file.trusted_proxies);
    }

    pub(super) fn admin_listener(&mut self, listener: &mut ListenerSettings, file: &file::Admin) {
        self.listen("admin", listener, file.listen, file.tls.as_ref());
        self.expect_secret_or_loopback("admin", listener, file.tls.is_some() || file.plaintext_anywhere);
        self.wait("admin.idle_timeout", &mut listener.idle_timeout, file.idle_timeout);
        self.positive("admin.max_connections", &mut listener.max_connections, file.max_connections);
        self.per_address("admin", listener, file.max_connections_per_address);
    }

    pub(super) fn per_address(&mut self, table: &str, listener: &mut ListenerSettings, most: Option<usize>) {
        if most.is_some() {
            let key = format!("{table}.max_connections_per_address");
            self.positive(&key, listener.max_connections_per_address.insert(1), most);
        }
    }

    /// Reads where a listener listens, and its TLS.
    pub(super) fn listen(
        &mut self,
        table: &str,
        listener: &mut ListenerSettings,
        address: Option<SocketAddr>,
        tls: Option<&file::Certificate>,
    ) {
        if let Some(address) = address {
            listener.listen = address;
        }
        if let Some(files) = tls {
            listener.tls = self.server_tls(&format!("{table}.tls"), files);
        }
    }

    pub(super) fn expect_secret_or_loopback(
        &mut self,
        table: &str,
        listener: &ListenerSettings,
        allowed: bool,
    ) {
        let found = listener.listen;
        if !allowed && !found.ip().is_loopback() {
            self.error(
                &format!("{table}.listen"),
                format!(
                    "expected a loopback address, found {found}: without [{table}.tls] everybody on the way reads and \
                     writes along; set {table}.plaintext_anywhere = true where the network keeps others out"
                ),
            );
        }
    }

    fn server_tls(&mut self, key: &str, files: &file::Certificate) -> Option<ServerTls> {
        let (at, key_at) = (format!("{key}.certificate_file"), format!("{key}.private_key_file"));
        let certificates = self.read(&at, &files.certificate_file);
        let private_key = self.read_secret(&key_at, &files.private_key_file);
        let (certificates, private_key) = (certificates?.into_bytes(), private_key?.into_bytes());
        self.shows(key, &certificates);
        let tls = ServerTls::from_pem(&certificates, &private_key);
        let tls = match &tls {
            Err(TlsError::NotPrivateKey { .. }) => self.ok_in_file(&key_at, &files.private_key_file, tls),
            Err(TlsError::NotCertificates { .. }) => self.ok_in_file(&at, &files.certificate_file, tls),
            Ok(_) | Err(_) => self.ok(key, tls),
        }?;
        self.warn_unless_valid(&at, tls.validity());
        Some(tls)
    }

    fn warn_unless_valid(&mut self, key: &str, validity: Validity) {
        let now = SystemTime::now();
        if validity.has_ended(now) || validity.has_not_begun(now) {
            let problem = format!("expected a certificate that is valid now, found one {validity}");
            self.warn(key, problem);
        }
    }
}

/// Reads a network, or an address, which is a network of one.
pub(super) fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse().map(|address: IpAddr| address.into()).ok())
}
