//! Op `custom`: the tensors that a manifest declares itself, filled as it says and held against a file or against what
//! another implementation gives.

use pipe_kernels::{Content, DataFile, Element, PlanError, Tensor, TensorRole};

use super::{Expected, Input, Problem, element, inputs, npy};

/// Numbers are in whole steps below this, where a tensor of integers is to look random.
const INTEGERS: f32 = 128.0;

/// The inputs of a case with these tensors and the right answers, of which `reference` gives those that no file does: the
/// content of the tensor of that name.
pub(crate) fn problem(
    tensors: &[Tensor],
    reference: impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<Problem, PlanError> {
    let inputs = self::inputs(tensors)?;
    let outputs = tensors.iter().filter(|tensor| tensor.role != TensorRole::Input).map(|tensor| {
        let (values, shape) = match (&tensor.expected, reference(&tensor.name)) {
            (Some(file), _) => {
                let array = read(tensor, file)?;
                (array.values, array.shape)
            }
            (None, Some(bytes)) => (element::decode(tensor.element, &bytes), Vec::new()),
            (None, None) => return Err(wrong(tensor, "the reference has no such output".to_owned())),
        };
        // As the tensor lies in memory where the extents are not known.
        let shape = if shape.len() > 1 { shape } else { vec![values.len()] };
        if values.len() as u64 != tensor.elements {
            let message = format!("{} elements are expected, the case has {}", values.len(), tensor.elements);
            return Err(wrong(tensor, message));
        }
        let bound = tensor.bound.unwrap_or_else(|| element::bound(tensor.element));
        Ok(Expected { name: tensor.name.clone(), element: tensor.element, values, shape, bound })
    });
    Ok(Problem { outputs: outputs.collect::<Result<_, _>>()?, inputs })
}

/// What the tensors hold before the first launch, the outputs aside.
pub(crate) fn inputs(tensors: &[Tensor]) -> Result<Vec<Input>, PlanError> {
    let filled = tensors.iter().zip(0..).filter(|(tensor, _)| tensor.role != TensorRole::Output);
    filled
        .map(|(tensor, stream)| {
            let count = tensor.elements;
            let content = match &tensor.content {
                Content::Zero => {
                    vec![0; usize::try_from(count * tensor.element.size()).unwrap_or(usize::MAX)]
                }
                Content::One => element::encode(tensor.element, (0..count).map(|_| 1.0)),
                Content::Index => element::encode(tensor.element, (0..count).map(|index| index as f64)),
                Content::Uniform => element::encode(tensor.element, uniform(tensor, stream)),
                Content::File(file) => {
                    let values = read(tensor, file)?.values;
                    if values.len() as u64 != count {
                        let message =
                            format!("{} has {} elements, the case {count}", file.name, values.len());
                        return Err(wrong(tensor, message));
                    }
                    element::encode(tensor.element, values.into_iter())
                }
            };
            Ok(Input { name: tensor.name.clone(), content })
        })
        .collect()
}

/// In [-1, 1), or whole numbers from 0 to 255, 127 where the type ends there.
fn uniform(tensor: &Tensor, stream: u64) -> impl Iterator<Item = f64> {
    let element = tensor.element;
    inputs::uniform_numbers(tensor.elements, stream).map(move |value| match element {
        _ if element.is_float() => value.into(),
        Element::S8 => f64::from(value.abs() * INTEGERS).floor(),
        _ => f64::from((value + 1.0) * INTEGERS).floor(),
    })
}

fn read(tensor: &Tensor, file: &DataFile) -> Result<npy::Array, PlanError> {
    npy::read(&file.content).map_err(|message| wrong(tensor, format!("{}: {message}", file.name)))
}

fn wrong(tensor: &Tensor, message: String) -> PlanError {
    PlanError::Case { parameter: tensor.name.clone(), message }
}
