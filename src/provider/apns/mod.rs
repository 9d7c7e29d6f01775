//! Apple Push Notification service.
use super::*;
use crate::push::*;
#[derive(Debug)] pub struct Apns; #[derive(Debug)] pub struct Payload;
impl Apns { pub fn encode(&self,_:&Body,_:&Target)->Result<Payload,Refusal>{Ok(Payload)} pub fn address(&self,_:&Payload,_:&Body,_:&PushId,_:&Target)->Result<Message,Refusal>{unimplemented!()} pub fn environment(&self,_:&Target)->ApnsEnvironment{ApnsEnvironment::Sandbox} }
pub fn classify(_:&Reply)->Verdict{unimplemented!()}

#[derive(Debug)] pub struct ApnsSettings { pub environment: ApnsEnvironment, pub topics: Vec<String>, pub certificate: bool, pub unknown_push_types: bool }
impl Apns { pub fn try_new(_:ApnsSettings)->Result<Self,InvalidValue>{Ok(Apns)} }
