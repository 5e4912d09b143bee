"""Launch profiles: what they are, how they come and go, and who may launch them."""

import unittest

from botocore.exceptions import WaiterError

import calling
import inputs
import model
import program
import stages

STUDIO = stages.SHIPPED
FX = "5GKk_4Z8mQQk3L2zSKNIPf"


class LaunchProfiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = stages.shipped().client

    def test_each_is_got_as_it_is_listed_with_what_it_uses(self):
        profiles = calling.all_of(self.client, "ListLaunchProfiles", studioId=STUDIO)
        self.assertGreater(len(profiles), 5)
        for profile in profiles:
            labels = {"studioId": STUDIO, "launchProfileId": profile["launchProfileId"]}
            self.assertEqual(self.client.get_launch_profile(**labels)["launchProfile"], profile)
            details = self.client.get_launch_profile_details(**labels)
            self.assertEqual(details["launchProfile"], profile)
            images = [image["streamingImageId"] for image in details["streamingImages"]]
            self.assertEqual(images, profile["streamConfiguration"]["streamingImageIds"])
            components = [component["studioComponentId"] for component in details["studioComponentSummaries"]]
            self.assertEqual(components, profile.get("studioComponentIds", []))

    def test_a_list_is_of_the_states_and_the_principal_that_are_asked_for(self):
        failed = self.create(ec2SubnetIds=["vpc-EXAMPLE"])
        with self.assertRaises(WaiterError) as raised:
            self.wait("launch_profile_ready", failed)
        self.assertEqual(raised.exception.last_response["launchProfile"]["statusCode"], "INVALID_SUBNETS_PROVIDED")
        everything = self.ids()
        self.assertEqual(self.ids(states=["CREATE_FAILED"]), {failed})
        self.assertEqual(self.ids(states=["CREATE_FAILED", "READY", "DELETED"]), everything)
        supervisor = "9067f1a2b3-7a34713f-020c-9f2e-63cb-4b87053e3903"
        restricted = "rx8MKcNi5gr2u8Hd5KJHjw"
        self.assertIn(restricted, self.ids(principalId=supervisor))
        self.assertEqual(everything - self.ids(principalId="somebody"), {restricted, failed})
        self.delete(failed)

    def test_one_is_created_updated_and_deleted(self):
        wanted = inputs.complete(model.operation("CreateLaunchProfile"), studioId=STUDIO)
        created = self.client.create_launch_profile(**wanted)["launchProfile"]
        self.assertEqual(
            (created["state"], created["statusCode"]), ("CREATE_IN_PROGRESS", "LAUNCH_PROFILE_CREATE_IN_PROGRESS")
        )
        labels = {"studioId": STUDIO, "launchProfileId": created["launchProfileId"]}
        self.wait("launch_profile_ready", created["launchProfileId"])
        ready = self.client.get_launch_profile(**labels)["launchProfile"]
        for name, value in inputs.launch_profile().items():
            self.assertEqual(ready[name], value, name)
        self.assertEqual((ready["createdBy"], ready["updatedBy"]), (program.PRINCIPAL, program.PRINCIPAL))
        self.assertEqual({result["state"] for result in ready["validationResults"]}, {"VALIDATION_SUCCESS"})

        change = inputs.complete(model.operation("UpdateLaunchProfile"), **labels)
        change.update(name="Conformance, changed", description="")
        change["streamConfiguration"] = {**inputs.stream_configuration(), "clipboardMode": "DISABLED"}
        updating = self.client.update_launch_profile(**change)["launchProfile"]
        self.assertEqual(
            (updating["state"], updating["statusCode"]), ("UPDATE_IN_PROGRESS", "LAUNCH_PROFILE_UPDATE_IN_PROGRESS")
        )
        self.wait("launch_profile_ready", created["launchProfileId"])
        updated = self.client.get_launch_profile(**labels)["launchProfile"]
        for name in ("name", "description", "streamConfiguration", "studioComponentIds"):
            self.assertEqual(updated[name], change[name], name)
        self.assertEqual((updated["statusCode"], updated["tags"]), ("LAUNCH_PROFILE_UPDATED", ready["tags"]))
        self.delete(created["launchProfileId"])

    def test_what_is_left_out_has_the_defaults_of_the_service(self):
        least = {
            key: inputs.stream_configuration()[key]
            for key in ("clipboardMode", "ec2InstanceTypes", "streamingImageIds")
        }
        profile = self.create(streamConfiguration=least)
        self.wait("launch_profile_ready", profile)
        stream = self.client.get_launch_profile(studioId=STUDIO, launchProfileId=profile)["launchProfile"][
            "streamConfiguration"
        ]
        defaults = {
            "maxSessionLengthInMinutes": 690,
            "maxStoppedSessionLengthInMinutes": 0,
            "sessionBackup": {"mode": "DEACTIVATED"},
        }
        self.assertEqual(stream, {**least, **defaults})
        self.delete(profile)

    def test_one_at_the_bounds_of_the_model_comes_into_being(self):
        longest = {
            "name": "ü" * 64,
            "description": "ü" * 256,
            "ec2SubnetIds": [f"subnet-{number}" for number in range(6)],
            "studioComponentIds": ["zQuMxN99Rfa_Js6ma9TwKw"] * 100,
        }
        profile = self.create(**longest)
        self.wait("launch_profile_ready", profile)
        got = self.client.get_launch_profile(studioId=STUDIO, launchProfileId=profile)["launchProfile"]
        self.assertEqual({name: got[name] for name in longest}, longest)
        self.delete(profile)

    def test_one_in_use_is_not_deleted(self):
        deleting = self.client.delete_launch_profile(studioId=STUDIO, launchProfileId=FX)["launchProfile"]
        self.assertEqual(deleting["state"], "DELETE_IN_PROGRESS")
        with self.assertRaises(WaiterError) as raised:
            self.wait("launch_profile_deleted", FX)
        profile = raised.exception.last_response["launchProfile"]
        self.assertEqual(profile["statusCode"], "LAUNCH_PROFILE_WITH_STREAM_SESSIONS_NOT_DELETED")
        self.client.update_launch_profile(studioId=STUDIO, launchProfileId=FX)
        self.wait("launch_profile_ready", FX)

    def test_members_are_put_got_listed_updated_and_deleted(self):
        profile = self.create()
        labels = {"studioId": STUDIO, "launchProfileId": profile}
        self.client.put_launch_profile_members(**inputs.complete(model.operation("PutLaunchProfileMembers"), **labels))
        member = self.client.get_launch_profile_member(**labels, principalId="artist-1")["member"]
        self.assertEqual(member, {"identityStoreId": "d-9067f1a2b3", "persona": "USER", "principalId": "artist-1"})
        change = inputs.complete(model.operation("UpdateLaunchProfileMember"), **labels, principalId="artist-1")
        self.assertEqual(self.client.update_launch_profile_member(**change)["member"], member)
        listed = calling.all_of(self.client, "ListLaunchProfileMembers", **labels, PaginationConfig={"PageSize": 100})
        self.assertEqual(listed, [member])
        self.client.delete_launch_profile_member(**labels, principalId="artist-1", clientToken=inputs.token())
        self.assertEqual(calling.all_of(self.client, "ListLaunchProfileMembers", **labels), [])
        with_sid = calling.all_of(
            self.client, "ListLaunchProfileMembers", studioId=STUDIO, launchProfileId="rx8MKcNi5gr2u8Hd5KJHjw"
        )
        self.assertEqual(["sid" in member for member in with_sid].count(True), 1)
        self.wait("launch_profile_ready", profile)
        self.delete(profile)

    def ids(self, **filters):
        profiles = calling.all_of(self.client, "ListLaunchProfiles", studioId=STUDIO, **filters)
        return {profile["launchProfileId"] for profile in profiles}

    def create(self, **changes):
        request = {**inputs.complete(model.operation("CreateLaunchProfile"), studioId=STUDIO), **changes}
        return self.client.create_launch_profile(**request)["launchProfile"]["launchProfileId"]

    def delete(self, profile):
        token = inputs.token()
        self.client.delete_launch_profile(studioId=STUDIO, launchProfileId=profile, clientToken=token)
        self.wait("launch_profile_deleted", profile)

    def wait(self, waiter, profile):
        calling.wait(self.client, waiter, studioId=STUDIO, launchProfileId=profile)
