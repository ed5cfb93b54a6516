"""What all labs have in common."""

import json

import pytest
import traitlets
import views

from siamlab import labs


@pytest.fixture(params=views.NAMES)
def example(request):
    return views.example(request.param)


def test_all_public_classes_are_tested():
    made = {type(views.example(name).make()).__name__ for name in views.NAMES}
    assert made == set(labs.__all__)


def test_values_set_in_python_change_result_and_readout(example, rng):
    lab = example.make()
    assert lab.readout == str(lab.result)
    seen = {lab.readout}
    for _ in range(3):
        lab.set(**example.settings(rng))
        assert lab.readout == str(lab.result)
        seen.add(lab.readout)
    assert len(seen) > 1


def test_reset_and_independence(example, rng):
    one, two = example.make(), example.make()
    first = one.values
    one.set(**example.settings(rng))
    assert one.values != first
    assert two.values == first
    one.reset()
    assert one.values == first
    assert one.readout == two.readout


def test_unknown_choices_are_refused(example):
    lab = example.make()
    for name in lab.names:
        if isinstance(lab.traits()[name], traitlets.Enum):
            with pytest.raises(traitlets.TraitError):
                setattr(lab, name, "unknown")


def test_it_is_shown_as_a_widget(example):
    lab = example.make()
    bundle, _ = lab._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"] == f"{type(lab).__name__}()" == repr(lab)
    json.dumps(bundle)


def test_its_page_loads_nothing_from_elsewhere(example, tmp_path):
    path = tmp_path / "lab.html"
    example.make().to_html(path)
    page = path.read_text("utf-8")
    assert "http" not in page.replace("http-equiv", "")
    assert len(page) < 500_000
