//! Streaming images, studio components, tags of everything, and the facts of a studio.

use aws_sdk_nimble::types::{
    StudioComponentConfiguration, StudioComponentState, StudioComponentType,
    StudioEncryptionConfigurationKeyType,
};

use crate::running::{STUDIO, run};

#[tokio::test]
async fn a_studio_says_everything_about_itself() {
    let running = run().await;
    let got = running.client.get_studio().studio_id(STUDIO).send().await.unwrap();
    let studio = got.studio().unwrap();
    assert_eq!(studio.admin_role_arn(), Some("arn:aws:iam::111122223333:role/admin"));
    assert_eq!(studio.user_role_arn(), Some("arn:aws:iam::111122223333:role/user"));
    assert_eq!(studio.sso_client_id(), Some("ins-1"));
    assert_eq!(studio.status_code().unwrap().as_str(), "STUDIO_CREATED");
    let encryption = studio.studio_encryption_configuration().unwrap();
    assert_eq!(encryption.key_type(), &StudioEncryptionConfigurationKeyType::CustomerManagedKey);
    assert!(encryption.key_arn().is_some());
    assert_eq!(studio.studio_url(), Some("https://feature.nimblestudio.us-west-2.amazonaws.com"));
}

#[tokio::test]
async fn images_are_listed_by_owner_and_read() {
    let running = run().await;
    let list = || running.client.list_streaming_images().studio_id(STUDIO);
    let pages: Vec<_> = list().into_paginator().send().try_collect().await.unwrap();
    let ids: Vec<_> = pages
        .iter()
        .flat_map(|page| page.streaming_images())
        .map(|image| image.streaming_image_id().unwrap())
        .collect();
    assert_eq!(ids, ["ami-EXAMPLE-linux", "base", "linux", "making"]);
    assert_eq!(pages.len(), 2);
    let theirs = list().owner("amazon").send().await.unwrap();
    assert_eq!(theirs.streaming_images().len(), 1);
    let get = |id: &str| {
        running.client.get_streaming_image().studio_id(STUDIO).streaming_image_id(id).send()
    };
    let got = get("linux").await.unwrap();
    let image = got.streaming_image().unwrap();
    assert_eq!((image.name(), image.description()), (Some("Linux"), Some("for all")));
    assert_eq!(image.owner(), Some(STUDIO));
    assert_eq!(image.eula_ids(), ["eula"]);
    assert!(image.ec2_image_id().unwrap().starts_with("ami-"));
    assert!(image.encryption_configuration().unwrap().key_arn().is_some());
    assert_eq!(image.status_code().unwrap().as_str(), "STREAMING_IMAGE_READY");
    let making = get("making").await.unwrap();
    assert_eq!(making.streaming_image().unwrap().status_message(), Some("being made"));
    let none = get("none").await.unwrap_err().into_service_error();
    assert!(none.is_resource_not_found_exception());
}

#[tokio::test]
async fn components_are_listed_through_filters_and_read() {
    let running = run().await;
    let list = || running.client.list_studio_components().studio_id(STUDIO);
    let pages: Vec<_> = list().max_results(3).into_paginator().send().try_collect().await.unwrap();
    let sizes: Vec<usize> = pages.iter().map(|page| page.studio_components().len()).collect();
    assert_eq!(sizes, [3, 1]);
    let failed = list().states(StudioComponentState::UpdateFailed).send().await.unwrap();
    assert_eq!(failed.studio_components()[0].status_message(), Some("no"));
    let two = list()
        .types(StudioComponentType::LicenseService)
        .types(StudioComponentType::ActiveDirectory);
    assert_eq!(two.send().await.unwrap().studio_components().len(), 2);
    let get = |id: &str| {
        running.client.get_studio_component().studio_id(STUDIO).studio_component_id(id).send()
    };
    let got = get("files").await.unwrap();
    let files = got.studio_component().unwrap();
    assert_eq!(files.subtype().unwrap().as_str(), "AMAZON_FSX_FOR_LUSTRE");
    assert_eq!(files.created_by(), Some("chief"));
    assert_eq!(files.ec2_security_group_ids(), ["sg-1"]);
    assert!(files.runtime_role_arn().is_some() && files.secure_initialization_role_arn().is_some());
    let script = &files.initialization_scripts()[0];
    assert_eq!(script.run_context().unwrap().as_str(), "USER_INITIALIZATION");
    assert_eq!(script.launch_profile_protocol_version(), Some("2021-03-31"));
    assert_eq!(files.script_parameters()[0].key(), Some("mode"));
    match files.configuration().unwrap() {
        StudioComponentConfiguration::SharedFileSystemConfiguration(own) => {
            assert_eq!(own.windows_mount_drive(), Some("P"));
            assert_eq!(own.linux_mount_point(), Some("/p"));
        }
        other => panic!("{other:?}"),
    }
    match get("directory").await.unwrap().studio_component().unwrap().configuration().unwrap() {
        StudioComponentConfiguration::ActiveDirectoryConfiguration(own) => {
            assert_eq!(own.computer_attributes()[0].value(), Some("comp"));
        }
        other => panic!("{other:?}"),
    }
    let farm = get("farm").await.unwrap();
    let farm = farm.studio_component().unwrap().configuration().unwrap();
    assert!(farm.is_compute_farm_configuration());
    let licences = get("licences").await.unwrap();
    let licences = licences.studio_component().unwrap().configuration().unwrap();
    assert!(licences.is_license_service_configuration());
    assert!(get("none").await.unwrap_err().into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn everything_with_an_arn_has_tags() {
    let running = run().await;
    let client = &running.client;
    for kind in [
        "studio/stid-EXAMPLE11111",
        "launch-profile/old",
        "streaming-session/ready",
        "streaming-session-backup/first",
        "streaming-image/linux",
        "studio-component/files",
    ] {
        let arn = format!("arn:aws:nimble:us-west-2:111122223333:{kind}");
        client.tag_resource().resource_arn(&arn).tags("k", "v").send().await.unwrap();
        let list = || client.list_tags_for_resource().resource_arn(&arn).send();
        assert_eq!(list().await.unwrap().tags().unwrap()["k"], "v", "{kind}");
        client.untag_resource().resource_arn(&arn).tag_keys("k").send().await.unwrap();
        assert!(!list().await.unwrap().tags().unwrap().contains_key("k"), "{kind}");
    }
    let backup = client.get_streaming_session_backup().studio_id(STUDIO).backup_id("first");
    let backup = backup.send().await.unwrap();
    assert_eq!(backup.streaming_session_backup().unwrap().tags().unwrap()["a"], "b");
}
