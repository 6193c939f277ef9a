"""What transformers is given for a prompt with pictures: pixels of its own image processor, one id a soft token,
the kinds of the tokens, and for Qwen2.5-VL their positions in time, height and width."""
import torch
from transformers import AutoImageProcessor
from transformers.image_utils import load_image


class Pictures:
    """The pictures of a golden folder, prepared by the processor that its preprocessor_config.json names."""

    def __init__(self, folder, config, **options):
        self.processor = AutoImageProcessor.from_pretrained(folder, **options)
        self.folder, self.config, self.ready = folder.parent / "images", config, {}
        self.qwen = config.model_type == "qwen2_5_vl"
        self.placeholder = config.image_token_id

    def prepared(self, name):
        if name not in self.ready:
            # The file is read, as a user's is: turned upright by its EXIF data, and to RGB by leaving out alpha.
            self.ready[name] = self.processor(load_image(str(self.folder / name)), return_tensors="pt")
        return self.ready[name]

    def tokens(self, name):
        if self.qwen:
            patches = int(self.prepared(name)["image_grid_thw"].prod())
            return patches // self.config.vision_config.spatial_merge_size ** 2
        return self.config.mm_tokens_per_image

    def expand(self, ids, names):
        """The placeholder, once an image, becomes as many as the image has tokens."""
        counts, out = iter(names), []
        for token in ids:
            out += [token] * (self.tokens(next(counts)) if token == self.placeholder else 1)
        return out

    def inputs(self, model, ids, names):
        """Keyword arguments for a forward pass over the whole prompt, and the position of the token after it."""
        full = torch.tensor([self.expand(ids, names)])
        kinds = (full == self.placeholder).int()
        batch = [self.prepared(name) for name in names]
        pixels = {"pixel_values": torch.cat([b["pixel_values"] for b in batch]).to(model.dtype)} if names else {}
        if not self.qwen:
            return {"input_ids": full, "token_type_ids": kinds, **pixels}, full.shape[1]
        grid = torch.cat([b["image_grid_thw"] for b in batch]) if names else None
        positions = model.model.get_rope_index(full, mm_token_type_ids=kinds, image_grid_thw=grid)[0]
        if names:
            pixels["image_grid_thw"] = grid
        return {"input_ids": full, "position_ids": positions, **pixels}, int(positions.max()) + 1

    def step(self, token, position, past):
        """Keyword arguments for one more token."""
        more = {"position_ids": torch.full((3, 1, 1), position)} if self.qwen else {}
        return {"input_ids": torch.tensor([[token]]), "past_key_values": past, **more}

    def features(self, model, name):
        """[tokens, E]: what takes the place of the placeholder's embeddings."""
        ready = self.prepared(name)
        more = {"image_grid_thw": ready["image_grid_thw"]} if self.qwen else {}
        out = model.model.get_image_features(ready["pixel_values"].to(model.dtype), **more).pooler_output
        return out[0]
