//! The comments of the contract.

use std::collections::HashMap;

use prost_reflect::FileDescriptor;

/// What stands above each part of a file, by the path to that part. Source: google/protobuf/descriptor.proto,
/// `SourceCodeInfo.Location.path`.
pub(super) struct Comments(HashMap<Vec<i32>, String>);

impl Comments {
    pub(super) fn of(file: &FileDescriptor) -> Self {
        let info = file.file_descriptor_proto().source_code_info.as_ref().expect("the sources were kept");
        let commented =
            info.location.iter().filter_map(|at| Some((at.path.clone(), at.leading_comments.as_ref()?)));
        Self(commented.map(|(path, comment)| (path, text(comment))).collect())
    }

    pub(super) fn at(&self, path: &[i32]) -> &str {
        self.0.get(path).map_or("", String::as_str)
    }
}

/// A comment without the space in front of each of its lines.
fn text(comment: &str) -> String {
    let lines: Vec<_> =
        comment.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
    lines.join("\n").trim().to_owned()
}
