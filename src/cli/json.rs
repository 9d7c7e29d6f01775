//! Reads and writes the contract's messages as ProtoJSON.

use std::io::Write;

use anyhow::{Context, ensure};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};

use crate::proto;

/// The contract's message types, by name.
pub(super) struct Schema(DescriptorPool);

impl Schema {
    pub(super) fn load() -> anyhow::Result<Self> {
        Ok(Self(DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET)?))
    }

    /// Reads a push from ProtoJSON. Unknown members and two targets are refused.
    pub(super) fn push(&self, json: &str) -> anyhow::Result<proto::Push> {
        ensure!(!json.trim().is_empty(), "it is empty");
        let mut source = serde_json::Deserializer::from_str(json);
        let message = DynamicMessage::deserialize(self.message("fanfare.push.v1.Push")?, &mut source)?;
        source.end()?;
        Ok(proto::Push::decode(message.encode_to_vec().as_slice())?)
    }

    /// Writes a result as ProtoJSON.
    pub(super) fn result(&self, result: &proto::PushResult) -> anyhow::Result<String> {
        let mut json = serde_json::Serializer::pretty(Vec::new());
        self.dynamic(result)?.serialize_with_options(&mut json, &SerializeOptions::new())?;
        Ok(String::from_utf8(json.into_inner())?)
    }

    /// Appends a result as one line of ProtoJSON. It begins with the members in `first`, which must be JSON.
    pub(super) fn result_line(
        &self,
        first: &str,
        result: &proto::PushResult,
        out: &mut Vec<u8>,
    ) -> anyhow::Result<()> {
        let mut json = serde_json::Serializer::new(Vec::with_capacity(256));
        self.dynamic(result)?.serialize_with_options(&mut json, &SerializeOptions::new())?;
        let object = json.into_inner();
        let members = object.strip_prefix(b"{").unwrap_or_default();
        let comma = if members == b"}" { "" } else { "," };
        write!(out, "{{{first}{comma}")?;
        out.extend_from_slice(members);
        out.push(b'\n');
        Ok(())
    }

    fn dynamic(&self, result: &proto::PushResult) -> anyhow::Result<DynamicMessage> {
        let bytes = result.encode_to_vec();
        Ok(DynamicMessage::decode(self.message("fanfare.push.v1.PushResult")?, bytes.as_slice())?)
    }

    fn message(&self, name: &str) -> anyhow::Result<MessageDescriptor> {
        self.0.get_message_by_name(name).with_context(|| format!("the contract has no {name}"))
    }
}
