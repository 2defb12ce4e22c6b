"""The block Global."""

from dataclasses import dataclass, field
from typing import Any, Literal

from ocr_lib.config.checks import above, at_least, below
from ocr_lib.config.location import FieldError
from ocr_lib.config.parse import collects

IGNORED = (
    *("algorithm", "benchmark", "character_type", "d2s_train_image_shape", "debug"),
    *("export_with_pir", "infer_list"),
    *("find_unused_parameters", "infer_mode", "log_ranks", "pdx_model_name", "print_mem_info"),
    *("rm_symbol", "save_ckpt_info", "to_static", "uniform_output_enabled", "use_gcu"),
    *("use_iluvatar_gpu", "use_metax_gpu", "use_mlu", "use_npu", "use_visualdl", "use_wandb"),
    *("use_xpu", "vdl_log_dir"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalConfig:
    """How a run goes, where it writes, and which characters it knows.

    Keys of PaddleOCR:

    Attributes:
        use_gpu: train on GPUs when Paddle has them. Default true.
        distributed: several processes, so that the check before training looks at shared memory;
            the launcher decides how many there are. Default false.
        seed: of every random choice. Default 1024.
        epoch_num: passes over the training samples. Default 100 (PaddleOCR demands it).
        max_text_length: characters a label may have. Default 25.
        character_dict_path: one character a line; unset means 0-9a-z, lower-cased; `labels`
            means the characters of the training labels.
        use_space_char: whether the space is a character too. Default false.
        save_model_dir: the run directory. Default ./output/rec.
        save_epoch_step: a checkpoint `iter_epoch_N` every N epochs. Default 3.
        save_inference_dir: where `export` writes; unset means save_model_dir/inference.
        save_res_path: where `infer` writes its answers; unset means they are only printed.
        eval_batch_step: first step after which evaluation runs, and every how many steps.
            One number is [0, number]. Default [0, 2000].
        eval_batch_epoch: evaluate every N epochs instead.
        calc_epoch_interval: with cal_metric_during_train, in every n-th epoch. Default 1.
        cal_metric_during_train: accuracy of training batches in the log. Default false.
        print_batch_step: a log line every N steps. Default 10.
        log_smooth_window: steps that a logged value is the median of. Default 20.
        pretrained_model: weights to start from, without optimiser or position.
        checkpoints: a checkpoint to go on from; goes before pretrained_model.
        infer_img: an image or folder for `infer`.
        use_amp: mixed precision on a GPU; ignored on a CPU. Default false.
        amp_level: O1 or O2. Default O2.
        amp_dtype: float16 or bfloat16. Default float16.
        scale_loss: first loss scale. Default 1.0.
        use_dynamic_loss_scaling: let the scale follow overflows. Default false.
        amp_custom_black_list: operators kept in float32.
        amp_custom_white_list: operators run in low precision.
        use_sync_bn: batch statistics over all processes. Default false.
        model_name: the name that an exported model carries.
        use_ema: evaluate and keep a moving average of the weights. Default: whether ema_decay is
            set [false].
        ema_decay: share of the average that each update keeps, such as 0.999. Default 0.9998.
        ema_decay_type: threshold, exponential or normal; see `EMASettings`. Default threshold.
        ema_gamma: updates over which an exponential decay grows. Default 2000.
        ema_filter_no_grad: leave out parameters that are not trained. Default false.

    Keys of this project:

    Attributes:
        width_buckets: padded image widths in px, ascending; an image takes the smallest that
            holds it. Unset means PaddleOCR's one fixed width, from RecResizeImg.
        turn_tall_lines: turn images at least 1.5 times as high as wide by 90° counterclockwise, in
            training and in prediction. Default false.
        train_minutes: instead of epoch_num: as many whole epochs as fit into this many minutes,
            evaluations counted in; the learning-rate schedule ends with them.
        narrow_first_epochs: in the first N epochs narrow batches come before wide ones, which
            brings CTC over its first plateau sooner. Default 0.
        save_step_every: a `latest` checkpoint every N steps within an epoch.
        save_minutes: a `latest` checkpoint every N minutes within an epoch. Default 10.
        keep_checkpoints: newest `iter_epoch_N` kept; unset keeps all.
        early_stop_evals: stop after N evaluations without a better main indicator.
        fallback_to_pretrained: where `checkpoints` names no file, begin as if it were unset.
            Default false: that is an error.
        peer_minutes: of several processes, how long one waits for the others. Default 10.
        check_finite: stop at the first loss that is not finite. Default true.
        allow_partial_load: accept weights that match less than 99 % of the network.
        recalibrate_norms: batch norms of `pretrained_model` get the statistics of this number of
            training samples before the first step, and scale and shift that make up for them.
        ignored_keys: keys of PaddleOCR that have no meaning here; export leaves every size open
            that the network allows, whatever `d2s_train_image_shape` says.
    """

    use_gpu: bool = True
    distributed: bool = False
    seed: int = 1024
    epoch_num: int = 100
    max_text_length: int = 25
    character_dict_path: str | None = None
    use_space_char: bool = False
    save_model_dir: str = "./output/rec"
    save_epoch_step: int = 3
    save_inference_dir: str | None = None
    save_res_path: str | None = None
    eval_batch_step: tuple[int, ...] = (0, 2000)
    eval_batch_epoch: int | None = None
    calc_epoch_interval: int = 1
    cal_metric_during_train: bool = False
    print_batch_step: int = 10
    log_smooth_window: int = 20
    pretrained_model: str | None = None
    checkpoints: str | None = None
    infer_img: str | None = None
    use_amp: bool = False
    amp_level: Literal["O0", "O1", "O2"] = "O2"
    amp_dtype: Literal["float16", "bfloat16"] = "float16"
    scale_loss: float = 1.0
    use_dynamic_loss_scaling: bool = False
    amp_custom_black_list: tuple[str, ...] = ()
    amp_custom_white_list: tuple[str, ...] = ()
    use_sync_bn: bool = False
    model_name: str | None = None
    width_buckets: tuple[int, ...] | None = None
    turn_tall_lines: bool = False
    train_minutes: float | None = None
    narrow_first_epochs: int = 0
    save_step_every: int | None = None
    save_minutes: float = 10.0
    keep_checkpoints: int | None = None
    early_stop_evals: int | None = None
    use_ema: bool | None = None
    ema_decay: float | None = None
    ema_decay_type: Literal["threshold", "exponential", "normal"] = "threshold"
    ema_gamma: float = 2000.0
    ema_filter_no_grad: bool = False
    fallback_to_pretrained: bool = False
    peer_minutes: float = 10.0
    check_finite: bool = True
    allow_partial_load: bool = False
    recalibrate_norms: int | None = None
    ignored_keys: dict[str, Any] = field(default_factory=dict, metadata=collects(*IGNORED))

    def __post_init__(self) -> None:
        at_least(self, 1, "epoch_num", "max_text_length", "save_epoch_step", "eval_batch_epoch")
        at_least(self, 1, "calc_epoch_interval", "print_batch_step", "log_smooth_window")
        at_least(self, 1, "save_step_every", "keep_checkpoints", "early_stop_evals")
        at_least(self, 1, "recalibrate_norms")
        at_least(self, 0, "seed", "narrow_first_epochs")
        above(self, 0, "train_minutes", "save_minutes", "scale_loss", "peer_minutes", "ema_decay")
        above(self, 0, "ema_gamma")
        below(self, 1, "ema_decay")
        self._check_eval_batch_step()
        self._check_buckets()

    def _check_eval_batch_step(self) -> None:
        if len(self.eval_batch_step) == 1:  # PaddleOCR takes one number as well
            object.__setattr__(self, "eval_batch_step", (0, *self.eval_batch_step))
        if len(self.eval_batch_step) != 2 or self.eval_batch_step[1] < 1:
            fix = "Write [first step, number of steps between]"
            raise FieldError(self, "eval_batch_step", f"is {list(self.eval_batch_step)}", fix)

    def _check_buckets(self) -> None:
        buckets = self.width_buckets
        if buckets is None:
            return
        if not buckets or buckets[0] < 1 or list(buckets) != sorted(set(buckets)):
            fix = "Write widths in px, ascending, each once"
            raise FieldError(self, "width_buckets", f"is {list(buckets)}", fix)
