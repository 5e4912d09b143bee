//! Who belongs to a studio and to its launch profiles.

use aws_sdk_nimble::types::{
    LaunchProfilePersona, NewLaunchProfileMember, NewStudioMember, StudioPersona,
};

use crate::running::{Running, STUDIO, run};

fn administrator(id: &str) -> NewStudioMember {
    let persona = StudioPersona::Administrator;
    NewStudioMember::builder().persona(persona).principal_id(id).build().unwrap()
}

fn user(id: &str) -> NewLaunchProfileMember {
    let persona = LaunchProfilePersona::User;
    NewLaunchProfileMember::builder().persona(persona).principal_id(id).build().unwrap()
}

async fn administrators(running: &Running) -> Vec<String> {
    let list = running.client.list_studio_members().studio_id(STUDIO);
    let pages: Vec<_> = list.into_paginator().send().try_collect().await.unwrap();
    let members = pages.iter().flat_map(|page| page.members());
    members.map(|member| member.principal_id().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn administrators_are_put_read_and_taken_away() {
    let running = run().await;
    let put = |ids: &[&str]| {
        running
            .client
            .put_studio_members()
            .studio_id(STUDIO)
            .identity_store_id("d-1")
            .set_members(Some(ids.iter().map(|id| administrator(id)).collect()))
            .send()
    };
    put(&["a", "b", "c", "chief"]).await.unwrap();
    assert_eq!(administrators(&running).await, ["a", "b", "c", "chief"]);
    let get =
        |id: &str| running.client.get_studio_member().studio_id(STUDIO).principal_id(id).send();
    let got = get("chief").await.unwrap();
    let chief = got.member().unwrap();
    assert_eq!(chief.identity_store_id(), Some("d-1"));
    assert_eq!(chief.persona(), Some(&StudioPersona::Administrator));
    assert_eq!(chief.sid(), Some("S-1-5-21-1"), "who is there keeps it");
    let delete = || {
        let delete = running.client.delete_studio_member().studio_id(STUDIO).principal_id("b");
        delete.client_token("t").send()
    };
    delete().await.unwrap();
    delete().await.unwrap();
    assert_eq!(administrators(&running).await, ["a", "c", "chief"]);
    assert!(get("b").await.unwrap_err().into_service_error().is_resource_not_found_exception());
    let ids: Vec<String> = (0..20).map(|number| format!("n{number}")).collect();
    put(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap();
    let full = put(&["x", "y", "z"]).await.unwrap_err().into_service_error();
    assert!(full.is_service_quota_exceeded_exception(), "{full:?}");
    assert_eq!(administrators(&running).await.len(), 23);
}

#[tokio::test]
async fn a_page_has_as_many_members_as_asked_for() {
    let running = run().await;
    let members = (0..5).map(|number| administrator(&format!("n{number}")));
    let put = running.client.put_studio_members().studio_id(STUDIO).identity_store_id("d-1");
    put.set_members(Some(members.collect())).send().await.unwrap();
    let list = running.client.list_studio_members().studio_id(STUDIO).max_results(2);
    let pages: Vec<_> = list.into_paginator().send().try_collect().await.unwrap();
    let sizes: Vec<usize> = pages.iter().map(|page| page.members().len()).collect();
    assert_eq!(sizes, [2, 2, 2]);
    let token = pages[0].next_token().unwrap();
    let other = running
        .client
        .list_launch_profile_members()
        .studio_id(STUDIO)
        .launch_profile_id("persistent")
        .next_token(token);
    assert!(other.send().await.unwrap_err().into_service_error().is_validation_exception());
}

#[tokio::test]
async fn a_launch_profile_has_users_and_lists_show_whose_it_is() {
    let running = run().await;
    let client = &running.client;
    let put = client
        .put_launch_profile_members()
        .studio_id(STUDIO)
        .launch_profile_id("persistent")
        .identity_store_id("d-1")
        .members(user("artist"));
    put.send().await.unwrap();
    let listed = client
        .list_launch_profile_members()
        .studio_id(STUDIO)
        .launch_profile_id("persistent")
        .send()
        .await
        .unwrap();
    let ids: Vec<_> = listed.members().iter().map(|member| member.principal_id()).collect();
    assert_eq!(ids, [Some("artist"), Some("lead")]);
    let mine = |who: &str| {
        client.list_launch_profiles().studio_id(STUDIO).max_results(100).principal_id(who)
    };
    let count = async |who: &str| {
        let pages: Vec<_> = mine(who).into_paginator().send().try_collect().await.unwrap();
        pages.iter().map(|page| page.launch_profiles().len()).sum::<usize>()
    };
    assert_eq!((count("artist").await, count("nobody").await, count("chief").await), (4, 3, 4));
    let update = client
        .update_launch_profile_member()
        .studio_id(STUDIO)
        .launch_profile_id("persistent")
        .persona(LaunchProfilePersona::User);
    let updated = update.clone().principal_id("artist").send().await.unwrap();
    assert_eq!(updated.member().unwrap().persona(), Some(&LaunchProfilePersona::User));
    let nobody = update.principal_id("nobody").send().await.unwrap_err().into_service_error();
    assert!(nobody.is_resource_not_found_exception());
    let got = client
        .get_launch_profile_member()
        .studio_id(STUDIO)
        .launch_profile_id("persistent")
        .principal_id("artist");
    assert_eq!(got.clone().send().await.unwrap().member(), updated.member());
    let delete = client
        .delete_launch_profile_member()
        .studio_id(STUDIO)
        .launch_profile_id("persistent")
        .principal_id("artist");
    delete.send().await.unwrap();
    assert!(got.send().await.unwrap_err().into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn a_launch_profile_that_is_open_to_everybody_closes_with_its_first_member() {
    let running = run().await;
    let client = &running.client;
    let members = client.list_launch_profile_members().studio_id(STUDIO).launch_profile_id("old");
    assert_eq!(members.clone().send().await.unwrap().members().len(), 0);
    let delete = client
        .delete_launch_profile_member()
        .studio_id(STUDIO)
        .launch_profile_id("old")
        .principal_id("nobody");
    assert!(delete.send().await.is_err());
    let mine = client.list_launch_profiles().studio_id(STUDIO).principal_id("nobody");
    assert_eq!(mine.clone().send().await.unwrap().launch_profiles().len(), 3);
    let put = client
        .put_launch_profile_members()
        .studio_id(STUDIO)
        .launch_profile_id("old")
        .identity_store_id("d-1")
        .members(user("artist"));
    put.send().await.unwrap();
    assert_eq!(members.send().await.unwrap().members().len(), 1);
    assert_eq!(mine.send().await.unwrap().launch_profiles().len(), 2);
}
