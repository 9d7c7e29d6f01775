//! stub
use std::sync::Arc;
use http::HeaderValue;
#[derive(Debug)] pub struct Stamp { header: HeaderValue, generation: u64 }
impl Stamp { pub fn header(&self)->&HeaderValue{&self.header} pub fn generation(&self)->u64{self.generation} }
#[derive(Debug)] pub enum Credential { Certificate, ProviderToken(Arc<ProviderToken>) }
impl Credential { pub fn stamp(&self)->Option<Arc<Stamp>>{None} pub fn renew(&self,_g:u64){} pub fn hold(&self){} }
#[derive(Debug)] pub struct ProviderToken;
#[derive(Debug, thiserror::Error)] #[error("x")] pub struct CredentialError;
impl ProviderToken { pub fn new(_:&secrecy::SecretString,_:&str,_:&str)->Result<Self,CredentialError>{Ok(Self)} pub async fn keep_fresh(self:Arc<Self>,_:tokio_util::sync::CancellationToken){} }
