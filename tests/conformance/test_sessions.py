"""Sessions, their streams and their backups, through their whole lives."""

import unittest

from botocore.exceptions import WaiterError

import calling
import inputs
import model
import program
import stages

STUDIO = stages.SHIPPED
ANIM = "2FR8Ww4jLHXc7REklaYor6"
# Sessions of the shipped world: one has backups, one fails to start, one fails to stop.
WITH_BACKUPS = "HgaHn2hB0uarsdvfo0whhf"
FAILS_TO_START = "1dI9u0DOnbXqm8CqHDen9f"
FAILS_TO_STOP = "ILiwDQw0igNaz5s5hrgruK"


class Sessions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = stages.shipped().client

    def test_each_is_got_as_it_is_listed(self):
        sessions = calling.all_of(self.client, "ListStreamingSessions", studioId=STUDIO)
        self.assertGreater(len(sessions), 40)
        settled = [session for session in sessions if not session["state"].endswith("_IN_PROGRESS")]
        for session in settled:
            self.assertEqual(self.get(session["sessionId"]), session)
        owner, ids = settled[0]["ownedBy"], [session["sessionId"] for session in settled[1:3]]
        self.assertEqual(self.ids(ownedBy=owner), [settled[0]["sessionId"]])
        self.assertEqual(self.ids(sessionIds=ids[0]), ids[:1])
        self.assertEqual(self.ids(sessionIds=",".join(ids)), ids)
        self.assertEqual(self.ids(createdBy="nobody"), [])

    def test_one_is_created_stopped_started_and_deleted(self):
        create = inputs.complete(model.operation("CreateStreamingSession"), studioId=STUDIO)
        created = self.client.create_streaming_session(**create)["session"]
        session = created["sessionId"]
        self.assertEqual(created["state"], "CREATE_IN_PROGRESS")
        self.assertEqual((created["createdBy"], created["ownedBy"]), (program.PRINCIPAL, "artist-1"))
        self.wait("streaming_session_ready", session)
        ready = self.get(session)
        for name in ("ec2InstanceType", "launchProfileId", "streamingImageId", "tags"):
            self.assertEqual(ready[name], create[name], name)
        self.assertEqual((ready["sessionPersistenceMode"], ready["backupMode"]), ("ACTIVATED", "AUTOMATIC"))
        self.assertGreater(ready["stopAt"], ready["createdAt"])
        self.assertEqual(self.ids(createdBy=program.PRINCIPAL, ownedBy="artist-1"), [session])

        stop = inputs.complete(model.operation("StopStreamingSession"), studioId=STUDIO, sessionId=session)
        stopping = self.client.stop_streaming_session(**stop)["session"]
        self.assertEqual((stopping["state"], stopping["stoppedBy"]), ("STOP_IN_PROGRESS", program.PRINCIPAL))
        self.wait("streaming_session_stopped", session)
        stopped = self.get(session)
        self.assertEqual((stopped["volumeRetentionMode"], stopped["stoppedAt"]), ("RETAIN", stopping["stoppedAt"]))

        (backup,) = calling.all_of(self.client, "ListStreamingSessionBackups", studioId=STUDIO, ownedBy="artist-1")
        self.assertEqual((backup["sessionId"], backup["state"]), (session, "READY"))
        start = {
            "studioId": STUDIO,
            "sessionId": session,
            "backupId": backup["backupId"],
            "clientToken": inputs.token(),
        }
        starting = self.client.start_streaming_session(**start)["session"]
        self.assertEqual((starting["state"], starting["startedBy"]), ("START_IN_PROGRESS", program.PRINCIPAL))
        self.wait("streaming_session_ready", session)
        self.assertEqual(self.get(session)["startedFromBackupId"], backup["backupId"])

        token = inputs.token()
        deleting = self.client.delete_streaming_session(studioId=STUDIO, sessionId=session, clientToken=token)
        self.assertEqual(deleting["session"]["state"], "DELETE_IN_PROGRESS")
        self.wait("streaming_session_deleted", session)
        self.assertEqual(self.get(session)["statusCode"], "STREAMING_SESSION_DELETED")

    def test_a_stream_comes_and_goes(self):
        session = self.client.create_streaming_session(studioId=STUDIO, launchProfileId=ANIM)["session"]["sessionId"]
        self.wait("streaming_session_ready", session)
        create = inputs.complete(model.operation("CreateStreamingSessionStream"), studioId=STUDIO, sessionId=session)
        created = self.client.create_streaming_session_stream(**create)["stream"]
        self.assertEqual(created["state"], "CREATE_IN_PROGRESS")
        self.assertEqual((created["expiresAt"] - created["createdAt"]).total_seconds(), create["expirationInSeconds"])
        labels = {"studioId": STUDIO, "sessionId": session, "streamId": created["streamId"]}
        calling.wait(self.client, "streaming_session_stream_ready", **labels)
        ready = self.client.get_streaming_session_stream(**labels)["stream"]
        self.assertEqual((ready["createdBy"], ready["ownedBy"]), (program.PRINCIPAL, program.PRINCIPAL))
        self.assertTrue(ready["url"].startswith("https://"))
        self.client.delete_streaming_session(studioId=STUDIO, sessionId=session)
        self.wait("streaming_session_deleted", session)
        self.assertIn(
            self.client.get_streaming_session_stream(**labels)["stream"]["state"], ("DELETE_IN_PROGRESS", "DELETED")
        )

    def test_backups_are_got_as_they_are_listed(self):
        backups = calling.all_of(self.client, "ListStreamingSessionBackups", studioId=STUDIO)
        for backup in backups:
            got = self.client.get_streaming_session_backup(studioId=STUDIO, backupId=backup["backupId"])
            self.assertEqual(got["streamingSessionBackup"], backup)
        self.assertIn("CREATE_FAILED", [backup["state"] for backup in backups])
        self.assertIn(WITH_BACKUPS, [backup["sessionId"] for backup in backups])

    def test_a_start_that_fails_ends_the_wait(self):
        self.client.start_streaming_session(studioId=STUDIO, sessionId=FAILS_TO_START)
        with self.assertRaises(WaiterError) as raised:
            self.wait("streaming_session_ready", FAILS_TO_START)
        session = raised.exception.last_response["session"]
        self.assertEqual((session["state"], session["statusCode"]), ("START_FAILED", "INSUFFICIENT_CAPACITY"))

    def test_a_stop_that_fails_ends_the_wait(self):
        self.client.stop_streaming_session(studioId=STUDIO, sessionId=FAILS_TO_STOP)
        with self.assertRaises(WaiterError) as raised:
            self.wait("streaming_session_stopped", FAILS_TO_STOP)
        session = raised.exception.last_response["session"]
        self.assertEqual((session["state"], session["statusCode"]), ("STOP_FAILED", "INTERNAL_ERROR"))

    def get(self, session):
        return self.client.get_streaming_session(studioId=STUDIO, sessionId=session)["session"]

    def ids(self, **filters):
        sessions = calling.all_of(self.client, "ListStreamingSessions", studioId=STUDIO, **filters)
        return [session["sessionId"] for session in sessions if session["state"] != "DELETED"]

    def wait(self, waiter, session):
        calling.wait(self.client, waiter, studioId=STUDIO, sessionId=session)
