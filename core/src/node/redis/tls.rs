//! TLS to a node: what is trusted, and how a failed handshake is told.

use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore,
    SignatureScheme,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::{Fault, FaultClass};

/// Checks the text of `tls_ca_pem` without connecting: at least one certificate, and nothing that
/// cannot be read.
pub fn check_ca_pem(pem: &str) -> Result<(), Fault> {
    let mut roots = RootCertStore::empty();
    add_ca_pem(&mut roots, pem)
}

/// Opens TLS sessions to one node.
pub(super) struct Tls(TlsConnector);

impl Tls {
    /// Trusts the usual authorities and those in `ca_pem`; without `verify`, everybody.
    pub(super) fn new(ca_pem: Option<&str>, verify: bool) -> Result<Tls, Fault> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|_| fault("TLS 1.2 and 1.3 cannot be used"))?;
        let config = if verify {
            let mut roots = RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            };
            if let Some(pem) = ca_pem {
                add_ca_pem(&mut roots, pem)?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        } else {
            let verifier = Arc::new(AcceptAny(provider));
            builder
                .dangerous()
                .with_custom_certificate_verifier(verifier)
                .with_no_client_auth()
        };
        Ok(Tls(TlsConnector::from(Arc::new(config))))
    }

    /// The handshake with the server that calls itself `host`.
    pub(super) async fn handshake(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, Fault> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| fault("the host's name cannot stand in a certificate"))?;
        self.0
            .connect(name, stream)
            .await
            .map_err(|error| describe(&error))
    }
}

fn add_ca_pem(roots: &mut RootCertStore, pem: &str) -> Result<(), Fault> {
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| fault("tls_ca_pem is not valid PEM"))?;
        let added = roots.add(certificate);
        added.map_err(|_| fault("tls_ca_pem holds a certificate that cannot be used"))?;
        found = true;
    }
    if found {
        Ok(())
    } else {
        Err(fault("tls_ca_pem holds no certificate"))
    }
}

fn fault(detail: &'static str) -> Fault {
    Fault::refused(FaultClass::Tls, detail)
}

/// Why a handshake failed, in fixed words.
fn describe(error: &io::Error) -> Fault {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(inner) = inner else {
        return fault("the connection ended during the TLS handshake");
    };
    fault(match inner {
        rustls::Error::InvalidCertificate(why) => match why {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the server's certificate has expired"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the server's certificate is not valid yet"
            }
            // A wrong signature is that of a stranger with a trusted authority's name.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "the server's certificate is signed by nobody we trust"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the server's certificate is for another name"
            }
            CertificateError::Revoked => "the server's certificate was revoked",
            _ => "the server's certificate is not valid",
        },
        rustls::Error::PeerIncompatible(_)
        | rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            "the server offers no protocol version we use (TLS 1.2 or 1.3)"
        }
        rustls::Error::InvalidMessage(_) => "the server does not speak TLS on this port",
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the server asks for a client certificate"
        }
        rustls::Error::AlertReceived(_) => "the server refused the TLS handshake",
        _ => "the TLS handshake failed",
    })
}

/// Accepts any certificate: the user asked for it, and it is logged.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_authority_is_told_before_any_dial() {
        let cases = [
            ("", "tls_ca_pem holds no certificate"),
            ("hello", "tls_ca_pem holds no certificate"),
            (
                "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n",
                "tls_ca_pem is not valid PEM",
            ),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "tls_ca_pem holds a certificate that cannot be used",
            ),
        ];
        for (pem, detail) in cases {
            let fault = check_ca_pem(pem).expect_err(pem);
            assert_eq!((fault.class, &*fault.detail), (FaultClass::Tls, detail));
        }
        assert!(Tls::new(Some("hello"), true).is_err());
        assert!(Tls::new(None, true).is_ok() && Tls::new(None, false).is_ok());
    }

    #[test]
    fn failures_are_told_apart() {
        let of = |error: rustls::Error| describe(&io::Error::other(error)).detail;
        let details = [
            of(rustls::Error::InvalidCertificate(CertificateError::Expired)),
            of(rustls::Error::InvalidCertificate(
                CertificateError::UnknownIssuer,
            )),
            of(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName,
            )),
            of(rustls::Error::AlertReceived(
                AlertDescription::ProtocolVersion,
            )),
            of(rustls::Error::DecryptError),
        ];
        for (index, detail) in details.iter().enumerate() {
            assert!(!details[..index].contains(detail), "{detail}");
        }
    }
}
