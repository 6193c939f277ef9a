// Pictures from files, the clipboard or a drop, made small enough to send and to keep.
const kLongestSide = 2048;
const kTypes = ['image/png', 'image/jpeg', 'image/webp'];
export const kMostPictures = 8;
export const kAccept = 'image/*';

export const isPicture = (file: File): boolean => file.type.startsWith('image/');

// A data: URL that the server reads. Large pictures are scaled, other kinds become PNG.
export async function readPicture(file: File): Promise<string> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`${file.name || 'This'} is not a picture that the browser can read.`);
  }
  const scale = Math.min(1, kLongestSide / Math.max(bitmap.width, bitmap.height));
  if (scale === 1 && kTypes.includes(file.type)) return asUrl(file);
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext('2d')!.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return file.type === 'image/jpeg' ? canvas.toDataURL('image/jpeg', 0.92) : canvas.toDataURL('image/png');
}

function asUrl(file: File): Promise<string> {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result as string);
    reader.onerror = () => failed(new Error(`${file.name} could not be read.`));
    reader.readAsDataURL(file);
  });
}
