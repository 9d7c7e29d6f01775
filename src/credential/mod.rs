//! stub
use std::sync::Arc;
use http::HeaderValue;
#[derive(Debug)] pub struct Stamp { header: HeaderValue, generation: u64 }
impl Stamp { pub fn header(&self)->&HeaderValue{&self.header} pub fn generation(&self)->u64{self.generation} }
#[derive(Debug)] pub enum Credential { Certificate }
impl Credential { pub fn stamp(&self)->Option<Arc<Stamp>>{None} pub fn renew(&self,_g:u64){} pub fn hold(&self){} }
