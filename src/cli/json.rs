//! ProtoJSON: the contract's messages as JSON, in both directions.

use anyhow::Context;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};

use crate::proto;

/// The contract's messages, by name.
pub(super) struct Schema(DescriptorPool);

impl Schema {
    pub(super) fn load() -> anyhow::Result<Self> {
        Ok(Self(DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET)?))
    }

    /// Reads a push from ProtoJSON. Unknown members and two targets are refused.
    pub(super) fn push(&self, json: &str) -> anyhow::Result<proto::Push> {
        let mut source = serde_json::Deserializer::from_str(json);
        let message = DynamicMessage::deserialize(self.message("fanfare.push.v1.Push")?, &mut source)?;
        source.end()?;
        Ok(proto::Push::decode(message.encode_to_vec().as_slice())?)
    }

    /// Writes a result as ProtoJSON.
    pub(super) fn result(&self, result: &proto::PushResult) -> anyhow::Result<String> {
        let bytes = result.encode_to_vec();
        let message = DynamicMessage::decode(self.message("fanfare.push.v1.PushResult")?, bytes.as_slice())?;
        let mut json = serde_json::Serializer::pretty(Vec::new());
        message.serialize_with_options(&mut json, &SerializeOptions::new())?;
        Ok(String::from_utf8(json.into_inner())?)
    }

    fn message(&self, name: &str) -> anyhow::Result<MessageDescriptor> {
        self.0.get_message_by_name(name).with_context(|| format!("the contract has no {name}"))
    }
}
