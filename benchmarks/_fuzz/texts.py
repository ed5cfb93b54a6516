"""TextGrids, tables and configurations."""

import json

import siamlab as sl

from . import damage
from .whole import Whole, sound


def _long(end=0.5):
    tiers = [
        ("IntervalTier", "phones", [(0, 0.2, "a"), (0.2, 0.3, ""), (0.3, end, "sil")]),
        ("IntervalTier", "words", [(0, end, 'Ärger "so"')]),
    ]
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        f"xmin = 0\nxmax = {end}\ntiers? <exists>\nsize = 3\nitem []:",
    ]
    for number, (kind, name, spans) in enumerate(tiers, 1):
        lines += [
            f"    item [{number}]:",
            f'        class = "{kind}"\n        name = "{name}"',
            f"        xmin = 0\n        xmax = {end}",
            f"        intervals: size = {len(spans)}",
        ]
        for i, (start, stop, label) in enumerate(spans, 1):
            label = label.replace('"', '""')
            lines += [
                f"        intervals [{i}]:",
                f"            xmin = {start}\n            xmax = {stop}",
                f'            text = "{label}"',
            ]
    lines += [
        '    item [3]:\n        class = "TextTier"\n        name = "clicks"',
        f"        xmin = 0\n        xmax = {end}\n        points: size = 1",
        '        points [1]:\n            number = 0.1\n            mark = "!"',
    ]
    return "\n".join(lines) + "\n"


def _short(end=0.5):
    lines = [
        'File type = "ooTextFile"\nObject class = "TextGrid"\n',
        f"0\n{end}\n<exists>\n2",
        f'"IntervalTier"\n"phones"\n0\n{end}\n2\n0\n0.2\n"a"\n0.2\n{end}\n"ß"',
        f'"TextTier"\n"clicks"\n0\n{end}\n1\n0.1\n"!"',
    ]
    return "\n".join(lines) + "\n"


def textgrids():
    """Both forms, in the encodings that Praat writes."""
    beside = {"anna/a.wav": sound()}
    for text in (_long(), _short()):
        for encoding in ("utf-8", "utf-16", "utf-8"):
            yield Whole(
                "TextGrids",
                "anna/a.TextGrid",
                text.encode(encoding),
                "textgrid",
                damage.in_text if encoding == "utf-8" else damage.in_bytes,
                beside,
            )


def tables():
    """CSV files, and whatever corpora bring along."""
    wav = sound()
    listed = (
        "path,speaker,session,start,duration,text\n"
        'anna/a.wav,Anna,1,0.0,0.2,"Guten, Tag"\n'
        "anna/a.wav,Anna,1,0.2,,\n"
        "anna/b.wav,Béla,2,0.1,0.3,Jó\n"
    )
    both = {"anna/a.wav": wav, "anna/b.wav": wav}

    def whole(target, text, reader, tree):
        content = text.encode()
        return Whole("tables", target, content, reader, damage.in_text, tree)

    yield whole("calls.csv", listed, "table", both)
    yield whole("calls.tsv", listed.replace(",", "\t"), "table", both)
    yield whole("calls.txt", listed.replace(",", ";"), "table", both)
    clips = {"clips/a.mp3": sound(format="MP3"), "clips/b.mp3": b""}
    head = "client_id\tpath\tsentence\tup_votes\tage\tgender\taccents\n"
    rows = f"{'a' * 128}\ta.mp3\tEin Satz.\t2\ttwenties\tmale\t\n"
    rows += f"{'b' * 128}\tb.mp3\tNoch „einer“.\t2\t\tfemale\tBayern\n"
    spans = "clip\tduration[ms]\na.mp3\t1000\nb.mp3\t2000\n"
    cv = {**clips, "validated.tsv": (head + rows).encode()}
    yield whole("validated.tsv", head + rows, "common_voice", clips)
    yield whole("clip_durations.tsv", spans, "common_voice", cv)
    vox = {f"wav/id1000{i}/video/0000{k}.wav": wav for i in (1, 2) for k in (1, 2)}
    meta = "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\n"
    meta += "id10001\tA\tm\tUSA\tdev\nid10002\tB\tf\tUK\ttest\n"
    meta2 = "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \nid10001 ,n1 ,m ,dev \n"
    line = "{} id10001/video/00001.wav id1000{}/video/00002.wav\n"
    yield whole("veri.txt", line.format(1, 1) + line.format(0, 2), "trials", vox)
    yield whole("vox1_meta.csv", meta, "voxceleb", vox)
    yield whole("vox2_meta.csv", meta2, "voxceleb", vox)
    libri = {"test/84/1/84-1-0000.flac": sound(format="FLAC")}
    yield whole(
        "test/84/1/84-1.trans.txt", "84-1-0000 GOOD MORNING\n", "librispeech", libri
    )
    yield whole(
        "SPEAKERS.TXT", ";ID |SEX\n84 | F | test | 8.0 | Ann\n", "librispeech", libri
    )
    place = "TRAIN/DR1/FCJF0/SA1"
    timit = {f"{place}.WAV": sound(format="NIST")}
    yield whole(
        f"{place}.PHN", "0 2000 h#\n2000 5000 sh\n5000 8000 iy\n", "timit", timit
    )
    yield whole(f"{place}.WRD", "2000 8000 she\n", "timit", timit)
    yield whole(f"{place}.TXT", "0 8000 She had your suit.\n", "timit", timit)
    people = {"01": {"age": 30, "gender": "male", "accent": "german"}}
    digits = {"data/01/0_01_0.wav": wav}
    yield whole("data/audioMNIST_meta.txt", json.dumps(people), "audiomnist", digits)


def configurations():
    """YAML of ``siamlab train``, and what YAML can do beside."""
    fine = sl.runs.Config(data="recordings", epochs=2, loss_settings={"scale": 3.0})
    text = fine.as_yaml()
    tree = {"recordings/anna/a.wav": sound(), "recordings/ben/a.wav": sound()}

    def whole(text, ill=""):
        return Whole(
            "configurations",
            "a.yaml",
            text.encode(),
            "config",
            damage.in_text,
            tree,
            ill,
        )

    yield whole(text)
    yield whole("data: recordings\nseed: 3\n")
    yield whole("data: !!python/object/apply:os.system ['touch ../executed']", "a call")
    laughs = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    laughs += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 12)]
    yield whole("\n".join(laughs), "a billion laughs")
    nested = "&a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"
    for k in range(1, 12):
        nested = f"&a{k} [{nested}, {', '.join([f'*a{k - 1}'] * 9)}]"
    yield whole(f"data: {nested}", "a billion laughs in a value")
    yield whole(f"loss_settings: {{a: {nested}}}\ndata: x", "laughs in a setting")
    merges = ["a0: &a0 {x: 1}"]
    merges += [
        f"a{k}: &a{k} {{<<: [{', '.join([f'*a{k - 1}'] * 10)}]}}" for k in range(1, 12)
    ]
    yield whole("\n".join(merges), "a billion merges")
    yield whole(f"data: x\nseed: 0x{'f' * 6000}", "a number of 6,000 digits")
    yield whole(f"data: x\nseed: -0x{'f' * 6000}", "a negative one")
    yield whole(f"0x{'f' * 6000}: 3", "a name of 6,000 digits")
    yield whole('data: "a\\0b"', "a folder with a zero in its name")
    yield whole(f"data: {'a/' * 5000}", "a folder whose name is too long")
    yield whole("data: ~nobody-at-all/x", "the folder of nobody")
    yield whole("data: recordings\nlayout: librispeech\nsubset: '../..'", "up")
    yield whole("data: recordings\nlayout: voxceleb\nsubset: '\\0'", "a zero")
    yield whole("data: recordings\nlayout: common_voice\nsubset: /etc/passwd", "up")
