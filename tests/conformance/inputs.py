"""For each operation a request that has every member of the model, and is valid."""

import itertools

_SERIAL = itertools.count(1)


def token():
    """A client token that was not used before."""
    return f"conformance-{next(_SERIAL)}"


def stream_configuration():
    return {
        "automaticTerminationMode": "ACTIVATED",
        "clipboardMode": "ENABLED",
        "ec2InstanceTypes": ["g5.2xlarge", "g4dn.xlarge"],
        "maxSessionLengthInMinutes": 720,
        "maxStoppedSessionLengthInMinutes": 5760,
        "sessionBackup": {"maxBackupsToRetain": 2, "mode": "AUTOMATIC"},
        "sessionPersistenceMode": "ACTIVATED",
        "sessionStorage": {"mode": ["UPLOAD"], "root": {"linux": "$HOME/uploads", "windows": "C:\\uploads"}},
        "streamingImageIds": ["ami-linux-comp-2022"],
        "volumeConfiguration": {"iops": 4000, "size": 500, "throughput": 250},
    }


def launch_profile():
    """What a launch profile is created from."""
    return {
        "description": "Made by the conformance test",
        "ec2SubnetIds": ["subnet-EXAMPLE11111"],
        "launchProfileProtocolVersions": ["2021-03-31"],
        "name": "Conformance",
        "streamConfiguration": stream_configuration(),
        "studioComponentIds": ["zQuMxN99Rfa_Js6ma9TwKw"],
        "tags": {"show": "harbor"},
    }


def _profile_change():
    profile = launch_profile()
    return {key: value for key, value in profile.items() if key not in ("ec2SubnetIds", "tags")}


def _bodies():
    return {
        "CreateLaunchProfile": launch_profile(),
        "CreateStreamingSession": {
            "ec2InstanceType": "g5.2xlarge",
            "launchProfileId": "2FR8Ww4jLHXc7REklaYor6",
            "ownedBy": "artist-1",
            "streamingImageId": "ami-linux-anim-2023",
            "tags": {"show": "harbor"},
        },
        "CreateStreamingSessionStream": {"expirationInSeconds": 3600},
        "PutLaunchProfileMembers": {
            "identityStoreId": "d-9067f1a2b3",
            "members": [{"persona": "USER", "principalId": "artist-1"}],
        },
        "PutStudioMembers": {
            "identityStoreId": "d-9067f1a2b3",
            "members": [{"persona": "ADMINISTRATOR", "principalId": "artist-1"}],
        },
        "StartStreamingSession": {"backupId": "DkFaWnq0VdWzvVyS4zgx8R"},
        "StopStreamingSession": {"volumeRetentionMode": "RETAIN"},
        "TagResource": {"tags": {"show": "harbor"}},
        "UpdateLaunchProfile": _profile_change(),
        "UpdateLaunchProfileMember": {"persona": "USER"},
    }


# Parameters of queries but `nextToken`, which no request can make up.
_QUERIES = {
    "ListLaunchProfileMembers": {"maxResults": 100},
    "ListLaunchProfiles": {"maxResults": 100, "principalId": "artist-1", "states": ["READY"]},
    "ListStreamingImages": {"owner": "amazon"},
    "ListStreamingSessionBackups": {"ownedBy": "artist-1"},
    "ListStreamingSessions": {"createdBy": "artist-2", "ownedBy": "artist-1", "sessionIds": "one,two"},
    "ListStudioComponents": {"maxResults": 100, "states": ["READY"], "types": ["CUSTOM"]},
    "ListStudioMembers": {"maxResults": 100},
    "UntagResource": {"tagKeys": ["show"]},
}


def complete(operation, **labels):
    """A request of an operation of the model with these labels in its path; where one is not given it names nothing."""
    shapes = operation.input_shape.members
    located = {name: shape.serialization.get("location") for name, shape in shapes.items()}
    request = {name: labels.get(name, f"no-{name}") for name, where in located.items() if where == "uri"}
    request.update(_bodies().get(operation.name, {}))
    request.update(_QUERIES.get(operation.name, {}))
    if "clientToken" in shapes:
        request["clientToken"] = token()
    return request
