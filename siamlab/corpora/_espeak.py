"""eSpeak NG, in a separate process.

This file is run, not imported: ``python _espeak.py`` reads a list of requests as JSON
from standard input and writes the list of answers to standard output.

eSpeak NG is under the GPL-3 and siamlab is not, so they communicate only through this
pipe. A separate process also makes the synthesis deterministic: eSpeak keeps the
state of its wave generator between utterances, and a fresh process gives the same
samples for the same requests.

A request::

    {"voice": "de+Andrea", "text": "Guten Tag.", "speed": 175, "pitch": 50, "range": 50}

An answer::

    {"sr": 22050, "samples": "AAAA...", "phones": [["ɡ", 0], ["uː", 1320], ...]}

Speed is in words per minute. Samples have 16 bits and are encoded in Base64. Each phone
is (IPA with its stress mark, or "" for a pause; first sample).
"""

import base64
import ctypes
import json
import sys

import espeakng_loader

_SYNCHRONOUS = 2
_PHONE_EVENTS_IN_IPA = 1 | 2
_NO_EXIT = 0x8000
_UTF8 = 1
_SPEED, _PITCH, _RANGE = 1, 3, 4
_END_OF_EVENTS, _PHONE = 0, 7


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),  # a union; of a phone it is the name
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Engine:
    """The eSpeak NG library, with the callback that collects its output."""

    def __init__(self):
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self.sr = self._library.espeak_Initialize(
            _SYNCHRONOUS,
            0,
            espeakng_loader.get_data_path().encode(),
            _PHONE_EVENTS_IN_IPA | _NO_EXIT,
        )
        if self.sr <= 0:
            sys.exit("eSpeak NG did not start; reinstall espeakng-loader")
        self._samples = []
        self._phones = []
        # Kept, because C holds no reference.
        self._callback = _Callback(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, samples, n, events):
        if samples and n:
            self._samples.append(ctypes.string_at(samples, 2 * n))
        i = 0
        while events[i].type != _END_OF_EVENTS:
            event = events[i]
            if event.type == _PHONE:
                self._phones.append((event.id.decode(), event.sample))
            i += 1
        return 0

    def speak(self, voice, text, speed, pitch, range):
        """Return the answer to a request."""
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            sys.exit(f"eSpeak NG has no voice {voice!r}")
        for parameter, value in ((_SPEED, speed), (_PITCH, pitch), (_RANGE, range)):
            self._library.espeak_SetParameter(parameter, int(value), 0)
        self._samples.clear()
        self._phones.clear()
        content = text.encode()
        n = len(content) + 1
        self._library.espeak_Synth(content, n, 0, 1, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        samples = base64.b64encode(b"".join(self._samples)).decode()
        return {"sr": self.sr, "samples": samples, "phones": list(self._phones)}


if __name__ == "__main__":
    engine = Engine()
    json.dump([engine.speak(**request) for request in json.load(sys.stdin)], sys.stdout)
