"""Each error that the model has for an operation, with its status and its type. The witness holds each to the model."""

import unittest

import calling
import inputs
import model
import stages

STUDIO = {"studioId": stages.STEADY}
READY = {**STUDIO, "sessionId": "ready"}
STOPPED = {**STUDIO, "sessionId": "stopped"}
STARTING = {**STUDIO, "sessionId": "starting"}
PROFILE = {**STUDIO, "launchProfileId": "persistent"}
CHANGING = {**STUDIO, "launchProfileId": "changing"}

# Errors that a fault brings about: what a client cannot by what it asks for.
FAULTS = {
    "AccessDeniedException": "denied",
    "ConflictException": "conflict",
    "InternalServerErrorException": "error_500",
    "ServiceQuotaExceededException": "quota",
    "ThrottlingException": "throttle",
}
# What labels are to name, where there is such a thing: then the one that names nothing is found out.
THERE = {
    "studioId": stages.STEADY,
    "launchProfileId": "persistent",
    "sessionId": "stopped",
    "backupId": "backup-1",
    "streamingImageId": "image-1",
    "studioComponentId": "component-1",
}
# What a studio is asked for although it is full, and what the error is about.
FULL = {
    "CreateStreamingSession": ({**PROFILE}, stages.STEADY),
    "CreateLaunchProfile": (
        {**STUDIO, **inputs.launch_profile(), "studioComponentIds": ["component-1"]},
        stages.STEADY,
    ),
    "PutStudioMembers": (
        {**STUDIO, "identityStoreId": "d", "members": [{"persona": "ADMINISTRATOR", "principalId": "x"}]},
        stages.STEADY,
    ),
    "PutLaunchProfileMembers": (
        {**PROFILE, "identityStoreId": "d", "members": [{"persona": "USER", "principalId": "x"}]},
        "persistent",
    ),
}
# What is asked of something in the middle of something else.
IN_PROGRESS = {
    "StopStreamingSession": STARTING,
    "StartStreamingSession": STARTING,
    "DeleteStreamingSession": STARTING,
    "CreateStreamingSessionStream": STARTING,
    "CreateStreamingSession": CHANGING,
    "UpdateLaunchProfile": CHANGING,
    "DeleteLaunchProfile": CHANGING,
}
# What the model allows and the world does not.
IMPOSSIBLE = [
    ("StopStreamingSession", STOPPED),
    ("StartStreamingSession", READY),
    ("CreateStreamingSessionStream", STOPPED),
    ("StartStreamingSession", {**STOPPED, "backupId": "backup-3"}),
    ("StartStreamingSession", {**STOPPED, "backupId": "backup-4"}),
    ("UpdateLaunchProfile", {**STUDIO, "launchProfileId": "failed"}),
    ("CreateStreamingSession", {**STUDIO, "launchProfileId": "failed"}),
    ("CreateStreamingSession", {**PROFILE, "ec2InstanceType": "g5.xlarge"}),
    ("CreateStreamingSession", {**PROFILE, "streamingImageId": "image-2"}),
    ("CreateStreamingSession", {**PROFILE, "tags": {"": "x"}}),
    ("CreateStreamingSession", {**PROFILE, "tags": {"aws:x": "x"}}),
    ("CreateStreamingSession", {**PROFILE, "tags": {"k" * 129: "x"}}),
    ("CreateStreamingSession", {**PROFILE, "tags": {"k": "x" * 257}}),
]


class Errors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = stages.steady()
        cls.client = cls.stage.client

    def test_each_error_that_a_fault_brings_about_in_each_operation(self):
        for operation in map(model.operation, model.OPERATIONS):
            for shape in operation.error_shapes:
                if shape.name in FAULTS:
                    plan = f'[[fault]]\nkind = "{FAULTS[shape.name]}"\noperation = "{operation.name}"\n'
                    with self.subTest(operation=operation.name, error=shape.name), self.stage.program.faults(plan):
                        self.expect(shape.name, operation.name, inputs.complete(operation))

    def test_no_error_of_the_model_is_left_out(self):
        named = {shape.name for name in model.OPERATIONS for shape in model.operation(name).error_shapes}
        self.assertEqual(named, {*FAULTS, "ResourceNotFoundException", "ValidationException"})

    def test_each_label_that_names_nothing_is_told(self):
        for operation in map(model.operation, model.OPERATIONS):
            labels = {name: THERE[name] for name in self.labels(operation) if name in THERE}
            for name in self.labels(operation):
                request = inputs.complete(operation, **{**labels, name: f"no-{name}"})
                with self.subTest(operation=operation.name, label=name):
                    error = self.expect("ResourceNotFoundException", operation.name, request)
                    self.assertEqual(calling.context(error, "resourceId"), f"no-{name}")

    def test_each_id_in_a_body_that_names_nothing_is_told(self):
        for operation, request in (
            ("CreateStreamingSession", {**STUDIO, "launchProfileId": "nothing"}),
            ("CreateLaunchProfile", {**STUDIO, **inputs.launch_profile(), "studioComponentIds": ["nothing"]}),
            ("UpdateLaunchProfile", {**PROFILE, "studioComponentIds": ["nothing"]}),
            ("StartStreamingSession", {**STOPPED, "backupId": "nothing"}),
        ):
            with self.subTest(operation=operation):
                error = self.expect("ResourceNotFoundException", operation, request)
                self.assertEqual(calling.context(error, "resourceId"), "nothing")

    def test_what_is_in_progress_is_a_conflict(self):
        for operation, request in IN_PROGRESS.items():
            with self.subTest(operation=operation):
                error = self.expect("ConflictException", operation, request)
                self.assertIn(calling.context(error, "resourceId"), ("starting", "changing"))
        self.expect("ConflictException", "StartStreamingSession", {**STOPPED, "backupId": "backup-2"})

    def test_a_full_studio_takes_no_more(self):
        for operation, (request, resource) in FULL.items():
            with self.subTest(operation=operation):
                error = self.expect("ServiceQuotaExceededException", operation, request)
                self.assertEqual(calling.context(error, "resourceId"), resource)

    def test_a_session_takes_20_streams(self):
        busy = {**STUDIO, "sessionId": "busy"}
        for _ in range(20):
            self.client.create_streaming_session_stream(**busy)
        self.expect("ServiceQuotaExceededException", "CreateStreamingSessionStream", busy)

    def test_a_resource_takes_50_tags(self):
        arn = self.client.get_studio(studioId="us-west-2:stid-THIRD")["studio"]["arn"]
        self.client.tag_resource(resourceArn=arn, tags={f"tag-{number}": "" for number in range(50)})
        self.expect("ServiceQuotaExceededException", "TagResource", {"resourceArn": arn, "tags": {"one": "more"}})
        self.client.tag_resource(resourceArn=arn, tags={"tag-0": "again"})

    def test_what_the_world_does_not_allow_is_a_mistake(self):
        for operation, request in IMPOSSIBLE:
            with self.subTest(operation=operation, request=request):
                self.expect("ValidationException", operation, request)

    def test_members_of_a_stream_configuration_that_exclude_each_other(self):
        for name, changes in (
            ("automaticTerminationMode", {"sessionPersistenceMode": "DEACTIVATED"}),
            ("maxStoppedSessionLengthInMinutes", {"automaticTerminationMode": "DEACTIVATED"}),
        ):
            stream = {**inputs.stream_configuration(), **changes}
            error = self.expect(
                "ValidationException", "UpdateLaunchProfile", {**PROFILE, "streamConfiguration": stream}
            )
            self.assertEqual(calling.context(error, "parameter"), f"streamConfiguration.{name}")

    def test_every_other_operation_of_the_service_is_said_not_to_be_served(self):
        others = sorted(set(model.SERVICE.operation_names) - set(model.OPERATIONS))
        self.assertEqual(len(others), 15)
        for operation in others:
            labels = {name: "x" for name in self.labels(model.operation(operation))}
            with self.subTest(operation=operation):
                error = calling.refusal(self.client, operation, **labels)
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                self.assertEqual((calling.code(error), status), ("NotImplementedException", 501))

    def expect(self, name, operation, request):
        error = calling.refusal(self.client, operation, **request)
        self.assertEqual(calling.code(error), name, error)
        self.assertTrue(error.response["Error"]["Message"])
        return error

    def labels(self, operation):
        shapes = operation.input_shape.members if operation.input_shape else {}
        return [name for name, shape in shapes.items() if shape.serialization.get("location") == "uri"]
