"""After all other tests: nothing of the model was left out."""

import unittest

import calling
import model
import stages
from witness import EXERCISED

# Waiters for what no operation does that the sandbox serves.
NOTHING_TO_WAIT_FOR = {"streaming_image_deleted", "studio_component_deleted", "studio_deleted"}


class WholeModel(unittest.TestCase):
    def test_each_operation_succeeded(self):
        self.assertEqual(set(model.OPERATIONS) - EXERCISED.operations, set())

    def test_each_member_of_each_input_was_accepted(self):
        wanted = self.members(lambda operation: [operation.input_shape])
        self.assertEqual(sorted(wanted - EXERCISED.sent), [])

    def test_each_member_of_each_answer_was_seen(self):
        wanted = self.members(lambda operation: [operation.output_shape])
        self.assertEqual(sorted(wanted - EXERCISED.seen), [])

    def test_each_member_of_each_error_was_seen(self):
        wanted = self.members(lambda operation: operation.error_shapes)
        self.assertEqual(sorted(wanted - EXERCISED.seen), [])

    def test_each_waiter_was_waited_with(self):
        waiters = set(stages.shipped().client.waiter_names)
        self.assertEqual(waiters - calling.WAITED, NOTHING_TO_WAIT_FOR)

    def members(self, shapes):
        found = set()
        for operation in map(model.operation, model.OPERATIONS):
            for shape in shapes(operation):
                model.members(shape, found)
        self.assertTrue(found)
        return found
