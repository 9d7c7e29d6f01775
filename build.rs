//! Compiles `proto/` into stubs and a descriptor set, without protoc.

use std::path::PathBuf;

use prost::Message;

const PROTO: &str = "fanfare/push/v1/push.proto";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_file(PROTO)?;

    // Written by protox itself: going through prost_types drops custom options.
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;

    // A decoder of a oneof keeps the last of several members and forgets that there were others. A push with
    // two targets must be refused, so the stubs of this crate have the members as plain optional fields: the
    // bytes on the wire are the same. `optional` fields are oneofs of one member and stay.
    let mut files = compiler.file_descriptor_set();
    for file in &mut files.file {
        for message in &mut file.message_type {
            for field in &mut message.field {
                if field.proto3_optional != Some(true) {
                    field.oneof_index = None;
                }
            }
            let kept = message.field.iter().filter_map(|field| field.oneof_index).count();
            if kept == 0 {
                message.oneof_decl.clear();
            } else if kept != message.oneof_decl.len() {
                return Err(format!("{:?} mixes a oneof with optional fields", message.name).into());
            }
        }
    }
    // Who reads JSON refuses the same pushes for the same reasons.
    std::fs::write(out.join("stubs.bin"), files.encode_to_vec())?;

    // Large and often absent: inline, every push would be moved about with room for all of them.
    // Ordered maps, so that equal messages are equal bytes; one that is empty is three words.
    let mut stubs = tonic_prost_build::configure().btree_map(".");
    for large in [
        "SendPushRequest.push",
        "Target.apns_channel",
        "Target.fcm",
        "Target.web_push",
        "Target.mattermost",
        "Content.apns",
        "Content.fcm",
        "Content.mattermost",
        "Notification.title_localized",
        "Notification.subtitle_localized",
        "Notification.body_localized",
    ] {
        stubs = stubs.boxed(format!(".fanfare.push.v1.{large}"));
    }
    stubs.compile_fds(files.clone())?;

    // The gateway's own server is generated a second time: it knows how large a push was, and leaves the items of a
    // message as bytes until there is a place for them. Everybody else has the plain messages.
    let server = out.join("server");
    std::fs::create_dir_all(&server)?;
    tonic_prost_build::configure()
        .out_dir(server)
        .build_client(false)
        .codec_path("crate::proto::codec::ServerCodec")
        .extern_path(".fanfare.push.v1", "crate::proto")
        .extern_path(".fanfare.push.v1.SendPushRequest", "crate::proto::MeasuredPush")
        .extern_path(".fanfare.push.v1.SendPushesRequest", "crate::proto::UnreadPushes")
        .extern_path(".fanfare.push.v1.SendBatchRequest", "crate::proto::UnreadBatch")
        .compile_fds(files)?;
    Ok(())
}
