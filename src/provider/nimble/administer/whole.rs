//! A stream configuration with every member of it: as it came, and as the SDK read it.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_nimble::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_nimble::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_nimble::error::BoxError;
use aws_sdk_nimble::types::{
    SessionBackupMode, StreamConfiguration, StreamingClipboardMode, StreamingSessionStorageMode,
};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use serde_json::{Map, Value};

/// Keeps the body of the last answer to a call.
#[derive(Debug, Clone, Default)]
pub(super) struct AsItCame(Arc<Mutex<Vec<u8>>>);

#[dyn_dispatch_hint]
impl Intercept for AsItCame {
    fn name(&self) -> &'static str {
        "as it came"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default().to_vec();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = body;
        Ok(())
    }
}

impl AsItCame {
    /// The stream configuration in it, if there is one.
    pub(super) fn stream_configuration(&self) -> Option<Value> {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answer: Value = serde_json::from_slice(&body).ok()?;
        let stream = answer.get_mut("launchProfile")?.get_mut("streamConfiguration")?.take();
        (!stream.is_null()).then_some(stream)
    }
}

/// Every member of a stream configuration of either kind (the SDK has one to read and one to write, with
/// the same members) by its name in the model; `null` where it is absent.
macro_rules! written {
    ($stream:expr) => {{
        let stream = &$stream;
        let storage = stream.session_storage.as_ref().map(|storage| {
            let root = storage.root.as_ref();
            let root = root.map(|root| json!({ "linux": root.linux, "windows": root.windows }));
            let mode: Vec<&str> = storage.mode.iter().map(|mode| mode.as_str()).collect();
            json!({ "mode": mode, "root": root })
        });
        let backup = stream.session_backup.as_ref().map(|backup| {
            let mode = backup.mode.as_ref().map(|mode| mode.as_str());
            json!({ "mode": mode, "maxBackupsToRetain": backup.max_backups_to_retain })
        });
        let volume = stream.volume_configuration.as_ref().map(|volume| {
            let (size, throughput, iops) = (volume.size, volume.throughput, volume.iops);
            json!({ "size": size, "throughput": throughput, "iops": iops })
        });
        let types: Vec<&str> = stream.ec2_instance_types.iter().map(|kind| kind.as_str()).collect();
        let persistence = stream.session_persistence_mode.as_ref().map(|mode| mode.as_str());
        let termination = stream.automatic_termination_mode.as_ref().map(|mode| mode.as_str());
        let members = [
            ("clipboardMode", json!(stream.clipboard_mode.as_str())),
            ("ec2InstanceTypes", json!(types)),
            ("maxSessionLengthInMinutes", json!(stream.max_session_length_in_minutes)),
            ("streamingImageIds", json!(stream.streaming_image_ids)),
            (STOPPED, json!(stream.max_stopped_session_length_in_minutes)),
            ("sessionStorage", json!(storage)),
            (BACKUP, json!(backup)),
            (PERSISTENCE, json!(persistence)),
            ("volumeConfiguration", json!(volume)),
            (TERMINATION, json!(termination)),
        ];
        let named = members.into_iter().map(|(name, value)| (name.to_owned(), value));
        named.collect::<Map<String, Value>>()
    }};
}
pub(super) use written;

/// The first part of what came that is not in what was read, by its path.
pub(super) fn unread(came: &Map<String, Value>, read: &Map<String, Value>) -> Option<String> {
    came.iter().find_map(|(name, value)| {
        let is_plain = name.chars().all(|letter| letter.is_ascii_alphanumeric());
        let shown = if is_plain { name.as_str() } else { "a member with a strange name" };
        match (value, read.get(name)) {
            (Value::Null, _) => None,
            (Value::Object(came), Some(Value::Object(read))) => {
                unread(came, read).map(|inner| format!("{shown}.{inner}"))
            }
            (value, Some(read)) if value == read => None,
            _ => Some(shown.to_owned()),
        }
    })
}

/// A member with a word that the model does not have. The modes of persistence and termination are the
/// business of the rule of stopping; instance types are written back as they came, whatever they are.
pub(super) fn unknown_word(stream: &StreamConfiguration) -> Option<(&'static str, &str)> {
    let is_unknown = |known: &[&str], word: &&str| !known.contains(word);
    let clipboard = Some(stream.clipboard_mode.as_str())
        .filter(|word| is_unknown(StreamingClipboardMode::values(), word));
    let backup = stream.session_backup.as_ref().and_then(|backup| backup.mode.as_ref());
    let backup = backup
        .map(SessionBackupMode::as_str)
        .filter(|word| is_unknown(SessionBackupMode::values(), word));
    let mut storage = stream.session_storage.iter().flat_map(|storage| &storage.mode);
    let storage =
        storage.find(|mode| is_unknown(StreamingSessionStorageMode::values(), &mode.as_str()));
    clipboard
        .map(|word| ("clipboardMode", word))
        .or_else(|| backup.map(|word| ("sessionBackup.mode", word)))
        .or_else(|| storage.map(|mode| ("sessionStorage.mode", mode.as_str())))
}

/// A value as people read it; nothing where it is absent.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
