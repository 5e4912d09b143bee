"""Lists by botocore's own paginators, and what becomes of the tokens between their pages."""

import unittest

from botocore import xform_name
from botocore.exceptions import PaginationError

import calling
import model
import stages

STUDIO = {"studioId": stages.STEADY}
PROFILE = {**STUDIO, "launchProfileId": "persistent"}
# Each list, and the ids that are in it.
LISTS = {
    "ListLaunchProfileMembers": (PROFILE, "principalId", ["user-1", "user-2", "user-3"]),
    "ListLaunchProfiles": (STUDIO, "launchProfileId", ["changing", "failed", "persistent"]),
    "ListStreamingImages": (STUDIO, "streamingImageId", ["image-1", "image-2", "image-3"]),
    "ListStreamingSessionBackups": (STUDIO, "backupId", ["backup-1", "backup-2", "backup-3", "backup-4"]),
    "ListStreamingSessions": (STUDIO, "sessionId", ["busy", "other", "ready", "starting", "stopped", "stopping"]),
    "ListStudioComponents": (STUDIO, "studioComponentId", ["component-1", "component-2", "component-3"]),
    "ListStudioMembers": (STUDIO, "principalId", ["admin-1", "admin-2", "admin-3"]),
    "ListStudios": ({}, "studioId", ["us-west-2:stid-SECOND", stages.STEADY, "us-west-2:stid-THIRD"]),
}
# The most items on a page of that studio.
PAGE = 2


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = stages.steady()
        cls.client = cls.stage.client

    def test_each_list_of_the_model_is_here(self):
        paged = {name for name in model.OPERATIONS if self.client.can_paginate(xform_name(name))}
        self.assertEqual(set(LISTS), paged)

    def test_each_list_is_whole_and_its_pages_are_short(self):
        for operation, (labels, key, ids) in LISTS.items():
            for size in self.sizes(operation):
                with self.subTest(operation=operation, size=size):
                    pages = list(self.pages(operation, **labels, PaginationConfig={"PageSize": size} if size else {}))
                    lengths = [len(page) for page in pages]
                    self.assertEqual(lengths[:-1], [min(size or PAGE, PAGE)] * (len(lengths) - 1))
                    self.assertGreater(len(lengths), 1)
                    self.assertEqual([item[key] for page in pages for item in page], ids)

    def test_a_list_goes_on_where_it_was_left(self):
        for operation, (labels, key, ids) in LISTS.items():
            with self.subTest(operation=operation):
                paginator = self.client.get_paginator(xform_name(operation))
                first = paginator.paginate(**labels, PaginationConfig={"MaxItems": 1}).build_full_result()
                resumed = {"StartingToken": first["NextToken"]}
                rest = paginator.paginate(**labels, PaginationConfig=resumed).build_full_result()
                (result,) = [expression.expression for expression in paginator.result_keys]
                self.assertEqual([item[key] for item in first[result] + rest[result]], ids)

    def test_a_token_is_good_for_its_own_list_only(self):
        tokens = {operation: self.token(operation, **labels) for operation, (labels, _, _) in LISTS.items()}
        self.assertEqual(len(set(tokens.values())), len(tokens))
        for operation, (labels, _, _) in LISTS.items():
            own = tokens[operation]
            others = [token for token in tokens.values() if token != own]
            for wrong in ["", "x", own[1:], own[:-1], own.swapcase(), *others]:
                with self.subTest(operation=operation, token=wrong):
                    error = calling.refusal(self.client, operation, **labels, nextToken=wrong)
                    self.assertEqual(calling.code(error), "ValidationException")
                    self.assertEqual(calling.context(error, "parameter"), "nextToken")

    def test_a_token_is_good_for_its_own_filter_only(self):
        token = self.client.list_streaming_sessions(**STUDIO)["nextToken"]
        error = calling.refusal(self.client, "ListStreamingSessions", **STUDIO, ownedBy="user-1", nextToken=token)
        self.assertEqual(calling.context(error, "parameter"), "nextToken")

    def test_a_token_that_comes_again_ends_the_paginator(self):
        with self.stage.program.faults('[[fault]]\nkind = "repeating_token"\n'), self.assertRaises(PaginationError):
            list(self.pages("ListStreamingSessions", **STUDIO))

    def sizes(self, operation):
        has_size = "maxResults" in model.operation(operation).input_shape.members
        return [None, 1, 100] if has_size else [None]

    def pages(self, operation, **parameters):
        paginator = self.client.get_paginator(xform_name(operation))
        (key,) = [expression.expression for expression in paginator.result_keys]
        return (page[key] for page in paginator.paginate(**parameters))

    def token(self, operation, **labels):
        return calling.call(self.client, operation, **labels)["nextToken"]
