"""The keyword app: says what it heard. Rate, window, labels and thresholds come with the model."""

from midge_device.pipeline import Pipeline


def on_event(label: str, score: float) -> None:
    # Your own reaction goes here: a pin, a message, a motor. Who listens on the line hears of events anyway.
    if not app.session.is_open:
        print("{} {:.2f}".format(label, score))


app = Pipeline(on_event=on_event)
app.run()
