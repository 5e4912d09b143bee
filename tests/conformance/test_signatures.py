"""Whose requests are taken. All other tests sign theirs with the right secret."""

import datetime
import unittest
from unittest import mock

from botocore import UNSIGNED

import calling
import program
import stages

STUDIO = {"studioId": stages.SHIPPED}


class Signatures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = stages.shipped().program
        cls.client = stages.shipped().client

    def test_a_signed_request_is_its_signers(self):
        with self.program.watched() as requests:
            self.client.get_studio(**STUDIO)
        self.assertEqual([request["principal"] for request in requests], [program.PRINCIPAL])

    def test_another_secret_another_key_and_none(self):
        for name, client in (
            ("InvalidSignatureException", self.connect(secret="another")),
            ("UnrecognizedClientException", self.connect(access_key="AKIDANOTHER")),
            ("MissingAuthenticationTokenException", self.connect(signature_version=UNSIGNED)),
        ):
            with self.subTest(error=name):
                self.assert_refused(client, name)

    def test_the_clients_clock_may_be_five_minutes_off(self):
        for minutes, is_good in ((4, True), (-4, True), (6, False), (-6, False)):
            shown = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
            with self.subTest(minutes=minutes), mock.patch("botocore.auth.datetime") as clock:
                clock.datetime.utcnow.return_value = shown
                if is_good:
                    self.client.get_studio(**STUDIO)
                else:
                    self.assert_refused(self.client, "InvalidSignatureException")

    def test_the_services_clock_may_be_five_minutes_off(self):
        for by, is_good in (("4m", True), ("-4m", True), ("6m", False), ("-6m", False)):
            plan = f'[[fault]]\nkind = "clock_skew"\nby = "{by}"\n'
            with self.subTest(by=by), self.program.faults(plan):
                if is_good:
                    self.client.get_studio(**STUDIO)
                else:
                    self.assert_refused(self.client, "InvalidSignatureException")

    def test_what_was_changed_after_it_was_signed(self):
        def forge(request, **_):
            request.url = request.url.replace("EXAMPLE11111", "EXAMPLE22222")

        client = self.connect()
        client.meta.events.register_first("before-send.nimble", forge)
        self.assert_refused(client, "InvalidSignatureException")

    def connect(self, **settings):
        return calling.connect(self.program.endpoint, **settings)

    def assert_refused(self, client, name):
        error = calling.refusal(client, "GetStudio", **STUDIO)
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        self.assertEqual((calling.code(error), status), (name, 403), error)
