"""Studios, and what lies in them for all: administrators, streaming images, components, tags."""

import unittest

import calling
import inputs
import model
import stages

STUDIO = stages.SHIPPED
STORE = "d-9067f1a2b3"


class Studios(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = stages.shipped().client

    def test_a_studio_is_got_as_it_is_listed(self):
        (listed,) = calling.all_of(self.client, "ListStudios")
        self.assertEqual(self.client.get_studio(studioId=STUDIO)["studio"], listed)
        self.assertEqual((listed["studioId"], listed["state"]), (STUDIO, "READY"))
        self.assertIsNotNone(listed["createdAt"].tzinfo)
        calling.wait(self.client, "studio_ready", studioId=STUDIO)

    def test_administrators_are_put_got_listed_and_deleted(self):
        put = inputs.complete(model.operation("PutStudioMembers"), studioId=STUDIO)
        self.client.put_studio_members(**put)
        member = self.client.get_studio_member(studioId=STUDIO, principalId="artist-1")["member"]
        expected = {"identityStoreId": STORE, "persona": "ADMINISTRATOR", "principalId": "artist-1"}
        self.assertEqual(member, expected)
        listed = calling.all_of(self.client, "ListStudioMembers", studioId=STUDIO, PaginationConfig={"PageSize": 1})
        self.assertIn(member, listed)
        self.assertEqual([True], ["sid" in other for other in listed if other != member])
        self.client.delete_studio_member(studioId=STUDIO, principalId="artist-1", clientToken=inputs.token())
        error = calling.refusal(self.client, "GetStudioMember", studioId=STUDIO, principalId="artist-1")
        self.assertEqual(calling.code(error), "ResourceNotFoundException")

    def test_streaming_images_are_got_as_they_are_listed(self):
        images = calling.all_of(self.client, "ListStreamingImages", studioId=STUDIO)
        for image in images:
            got = self.client.get_streaming_image(studioId=STUDIO, streamingImageId=image["streamingImageId"])
            self.assertEqual(got["streamingImage"], image)
        owned = calling.all_of(self.client, "ListStreamingImages", studioId=STUDIO, owner="amazon")
        self.assertEqual(owned, [image for image in images if image["owner"] == "amazon"])
        self.assertEqual(len(owned), 1)
        calling.wait(self.client, "streaming_image_ready", studioId=STUDIO, streamingImageId="ami-linux-comp-2022")

    def test_components_are_got_as_they_are_listed(self):
        components = calling.all_of(self.client, "ListStudioComponents", studioId=STUDIO)
        for component in components:
            got = self.client.get_studio_component(studioId=STUDIO, studioComponentId=component["studioComponentId"])
            self.assertEqual(got["studioComponent"], component)
        for parameter, member, values in (
            ("types", "type", ["COMPUTE_FARM", "ACTIVE_DIRECTORY"]),
            ("states", "state", ["UPDATE_FAILED"]),
        ):
            chosen = calling.all_of(self.client, "ListStudioComponents", studioId=STUDIO, **{parameter: values})
            self.assertEqual(chosen, [component for component in components if component[member] in values])
            self.assertEqual(len(chosen), len(values))
        calling.wait(
            self.client,
            "studio_component_ready",
            studioId=STUDIO,
            studioComponentId=components[-1]["studioComponentId"],
        )

    def test_everything_that_has_an_arn_has_tags(self):
        for arn, tags in self.arns():
            with self.subTest(arn=arn):
                self.assertEqual(self.tags(arn), tags)
                added = {"conformance": "ja/nein +&=?", "überstunden": "", "a:b/c d": "e"}
                self.client.tag_resource(resourceArn=arn, tags=added)
                self.assertEqual(self.tags(arn), {**tags, **added})
                self.client.untag_resource(resourceArn=arn, tagKeys=[*added, "nothing"])
                self.assertEqual(self.tags(arn), tags)

    def tags(self, arn):
        return self.client.list_tags_for_resource(resourceArn=arn)["tags"]

    def arns(self):
        """An ARN of each kind, with its tags."""
        found = [self.client.get_studio(studioId=STUDIO)["studio"]]
        for kind in (
            "LaunchProfiles",
            "StreamingImages",
            "StudioComponents",
            "StreamingSessions",
            "StreamingSessionBackups",
        ):
            found.append(calling.all_of(self.client, f"List{kind}", studioId=STUDIO)[0])
        return [(item["arn"], item["tags"]) for item in found]
