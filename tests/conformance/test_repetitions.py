"""What a client does more than once: attempts after errors that pass, and requests with the same client token."""

import unittest
from unittest import mock

from botocore.exceptions import ClientError

import calling
import inputs
import stages

STUDIO = {"studioId": stages.SHIPPED}
ATTEMPTS = 3


class Repetitions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = stages.shipped().program
        cls.client = stages.shipped().client

    def setUp(self):
        # Between its attempts botocore would sleep for seconds.
        sleep = mock.patch("botocore.endpoint.time.sleep")
        sleep.start()
        self.addCleanup(sleep.stop)

    def test_each_way_of_botocore_tries_again_after_what_passes(self):
        for mode in ("legacy", "standard"):
            client = self.patient(mode)
            for kind in ("throttle", "error_500", "html_503", "reset", "lost_answer", "cut_off"):
                with (
                    self.subTest(mode=mode, kind=kind),
                    self.struck(kind, ATTEMPTS - 1),
                    self.program.watched() as requests,
                ):
                    client.get_studio(**STUDIO)
                self.assert_one_call(requests, ATTEMPTS)

    def test_it_gives_up_after_its_last_attempt(self):
        for mode in ("legacy", "standard"):
            with self.subTest(mode=mode), self.struck("throttle", ATTEMPTS), self.program.watched() as requests:
                with self.assertRaises(ClientError) as raised:
                    self.patient(mode).get_studio(**STUDIO)
            self.assertEqual(calling.code(raised.exception), "ThrottlingException")
            self.assert_one_call(requests, ATTEMPTS)
            self.assertEqual([request["status"] for request in requests], [429] * ATTEMPTS)

    def test_it_does_not_try_again_after_what_does_not_pass(self):
        for kind in ("denied", "quota", "conflict", "credentials_expired"):
            with self.subTest(kind=kind), self.struck(kind, ATTEMPTS), self.program.watched() as requests:
                with self.assertRaises(ClientError):
                    self.patient("standard").get_studio(**STUDIO)
            self.assert_one_call(requests, 1)

    def test_a_lost_answer_is_one_effect(self):
        with self.struck("lost_answer", 1), self.program.watched() as requests:
            created = self.patient("standard").create_streaming_session(
                **STUDIO, launchProfileId="2FR8Ww4jLHXc7REklaYor6"
            )
        self.assert_one_call(requests, 2)
        self.assertEqual(len({request["client_token"] for request in requests}), 1)
        session = created["session"]["sessionId"]
        owner = created["session"]["ownedBy"]
        listed = calling.all_of(self.client, "ListStreamingSessions", **STUDIO, ownedBy=owner)
        self.assertEqual([other["sessionId"] for other in listed if other["state"] != "DELETED"], [session])
        calling.wait(self.client, "streaming_session_ready", **STUDIO, sessionId=session)
        self.client.delete_streaming_session(**STUDIO, sessionId=session)
        calling.wait(self.client, "streaming_session_deleted", **STUDIO, sessionId=session)

    def test_a_client_token_is_for_one_request(self):
        profile = "WbbC8i2Mnl4FqTIVQvOOSq"
        request = {
            **STUDIO,
            "launchProfileId": profile,
            "ec2InstanceType": "g4dn.2xlarge",
            "clientToken": inputs.token(),
        }
        first, again = (self.client.create_streaming_session(**request)["session"] for _ in range(2))
        self.assertEqual(first, again)
        with self.program.watched() as requests:
            error = calling.refusal(
                self.client, "CreateStreamingSession", **{**request, "ec2InstanceType": "g4dn.4xlarge"}
            )
        self.assertEqual(calling.code(error), "ValidationException")
        self.assertEqual(calling.context(error, "parameter"), "clientToken")
        self.assertEqual([violation["code"] for violation in requests[0]["violations"]], ["client_token_reused"])
        calling.wait(self.client, "streaming_session_ready", **STUDIO, sessionId=first["sessionId"])
        self.client.delete_streaming_session(**STUDIO, sessionId=first["sessionId"])
        calling.wait(self.client, "streaming_session_deleted", **STUDIO, sessionId=first["sessionId"])

    def patient(self, mode):
        return calling.connect(self.program.endpoint, retries={"mode": mode, "total_max_attempts": ATTEMPTS})

    def struck(self, kind, count):
        return self.program.faults(f'[[fault]]\nkind = "{kind}"\ncount = {count}\n')

    def assert_one_call(self, requests, attempts):
        self.assertEqual([request["attempt"] for request in requests], list(range(1, attempts + 1)))
        self.assertEqual(len({request["invocation"] for request in requests}), 1)
