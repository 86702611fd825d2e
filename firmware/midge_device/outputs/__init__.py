"""What an event does: a pin, a log on flash, an MQTT message; an app hands them to its Pipeline as on_event.

    from midge_device.outputs import Outputs
    from midge_device.outputs.event_log import EventLog
    from midge_device.outputs.pulse import Pulse

    Pipeline(on_event=Outputs(Pulse(25, labels=("circle",)), EventLog())).run()

An output is anything that can be called with (label, score): a function of yours, too. A host that is
connected, by serial line or BLE, hears of every event anyway.
"""


class Outputs:
    """Calls each output for each event; one that fails never keeps the event from the others."""

    def __init__(self, *outputs) -> None:
        self._outputs = outputs

    def __call__(self, label: str, score: float) -> None:
        """Raises the first output's error, after all had their turn: the pipeline tells of it and goes on."""
        failure = None
        for output in self._outputs:
            try:
                output(label, score)
            except Exception as error:
                failure = failure or error
        if failure is not None:
            raise failure
